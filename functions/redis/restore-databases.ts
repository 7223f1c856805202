import * as z from "zod";
import { IncompleteError } from "../../runner/errors.ts";

const schema = z.array(z.int().min(0)).min(1).optional();

/**
 * Which databases a restore writes: those it is asked for, otherwise those the backup was told, otherwise all (undefined).
 * @throws IncompleteError when what the backup recorded cannot be read: writing everything instead would be more than anybody asked for
 */
export function databasesToRestore(
  asked: readonly number[] | undefined,
  facts: Readonly<Record<string, unknown>>,
): ReadonlySet<number> | undefined {
  const recorded = schema.safeParse(facts.databasesMeant);
  if (asked !== undefined) return new Set(asked);
  if (!recorded.success)
    throw new IncompleteError("The snapshot says in an unknown way which databases are to be restored", {
      hint: "Name them with --databases",
    });
  return recorded.data === undefined ? undefined : new Set(recorded.data);
}

/** @throws IncompleteError when a database that was chosen is not in the snapshot: more likely a wrong number than what was wanted */
export function assertDatabasesMet(chosen: ReadonlySet<number> | undefined, met: ReadonlyMap<number, unknown>): void {
  const missing = [...(chosen ?? [])].filter((database) => !met.has(database));
  if (missing.length === 0) return;
  throw new IncompleteError(`The snapshot holds no key of database ${missing.join(", ")}, which was to be restored`, {
    reason: "DatabaseNotInSnapshot",
    hint: "Choose others with --databases; what there was of the chosen ones is restored",
    facts: { missingDatabases: missing },
  });
}
