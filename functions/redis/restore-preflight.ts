import { DatabaseRefusedError } from "../../runner/errors.ts";
import type { RedisControl } from "./connection.ts";
import type { RdbHeader } from "./rdb-format.ts";
import { assertCanRestore } from "./restore-capability.ts";
import type { SnapshotFacts } from "./restore-facts.ts";
import { refusalOf } from "./restore-refusal.ts";
import { assertMayRestore, errorReplyOf } from "./restore-rights.ts";
import type { RestorePolicy } from "./restore-tally.ts";
import type { RestoreTarget } from "./restore-target.ts";

/** What the file tells about itself before its first record. */
export interface RestorableFile {
  readonly header: RdbHeader;
  readonly usedMemoryBytes: number | undefined;
  readonly hasFunctions: boolean;
}

export interface PreflightParts {
  readonly control: RedisControl;
  readonly target: RestoreTarget;
  readonly facts: SnapshotFacts;
  readonly policy: RestorePolicy;
  /** The databases to write; undefined for all. */
  readonly chosen: ReadonlySet<number> | undefined;
  readonly allowMissingModules: boolean;
  readonly username: string | undefined;
  warn(reason: string, message: string): void;
}

/**
 * Everything that can be known to go wrong before the first write; nothing is written here.
 * @throws DatabaseRefusedError, DatabaseUnavailableError
 */
export async function assertRestorable(file: RestorableFile, parts: PreflightParts): Promise<void> {
  const { control, target, facts, username, policy } = parts;
  assertCanRestore(file.header, target.server);
  await assertMayRestore(control, { withFunctions: file.hasFunctions, username, description: target.description });
  await assertDatabasesExist(parts);
  assertModulesPresent(parts);
  if (policy === "fail") await assertEmpty(parts);
  // What a part of the databases needs, nobody knows.
  assertFits(parts.chosen === undefined ? (facts.usedMemoryBytes ?? file.usedMemoryBytes) : undefined, parts);
}

/** As far as it is known beforehand. */
function databasesToWrite({ facts, chosen }: PreflightParts): readonly number[] | undefined {
  const held = facts.keyspace === undefined ? undefined : [...facts.keyspace.keys()];
  return chosen === undefined ? held : (held ?? [...chosen]).filter((database) => chosen.has(database));
}

/** Without CONFIG, the highest database is tried. */
async function assertDatabasesExist(parts: PreflightParts): Promise<void> {
  const { control, target } = parts;
  const highest = Math.max(0, ...(databasesToWrite(parts) ?? []));
  if (target.databases === undefined) {
    const reply = await errorReplyOf(control, ["SELECT", String(highest)]);
    if (reply !== undefined) throw refusalOf(reply, `use database ${highest}`, target.description);
    return;
  }
  if (highest < target.databases) return;
  throw new DatabaseRefusedError(
    `Cannot restore into ${target.description}: the snapshot has keys in database ${highest}, the target has databases 0 to ${target.databases - 1}`,
    { reason: "TooFewDatabases", hint: "Raise `databases` in the target's configuration, which takes a restart" },
  );
}

function assertModulesPresent({ target, facts, allowMissingModules, warn }: PreflightParts): void {
  const present = new Set(target.server.modules.map(({ name }) => name));
  const missing = facts.modules.filter((name) => !present.has(name));
  if (missing.length === 0) return;
  const message = `The source had modules that ${target.description} has not: ${missing.join(", ")}`;
  if (allowMissingModules) {
    warn("ModulesMissing", `${message}; values of their types will be refused by name`);
    return;
  }
  throw new DatabaseRefusedError(message, {
    reason: "ModulesMissing",
    hint: "Load them into the target, or give --allow-missing-modules when no key needs them",
    facts: { missingModules: missing },
  });
}

/** Where the snapshot does not say which databases it holds, every database must be empty. */
async function assertEmpty(parts: PreflightParts): Promise<void> {
  const { control, target } = parts;
  const databases = databasesToWrite(parts) ?? Array.from({ length: target.databases ?? 16 }, (_, database) => database);
  const existing: Record<string, number> = {};
  for (const database of databases) {
    if (target.databases === undefined || database < target.databases) {
      await control.call("SELECT", String(database));
      const keys = Number(await control.call("DBSIZE"));
      if (keys > 0) existing[database] = keys;
    }
  }
  if (Object.keys(existing).length > 0) throw notEmpty(target.description, existing);
}

/** Refuses under the policy "fail". `existing`: keys by database. */
export function notEmpty(description: string, existing: Readonly<Record<string, number>>): DatabaseRefusedError {
  const list = Object.entries(existing).map(([database, keys]) => `database ${database} holds ${keys} ${keys === 1 ? "key" : "keys"}`);
  return new DatabaseRefusedError(`Cannot restore into ${description}: ${list.join(", ")}, and the policy is "fail"`, {
    reason: "TargetNotEmpty",
    hint: "--policy skip keeps keys that exist, --policy replace overwrites those of the snapshot; or empty the databases first",
    facts: { existing },
  });
}

/** Refuses only what clearly cannot fit: servers of other versions need more or less for the same data. */
function assertFits(neededBytes: number | undefined, { target, policy, warn }: PreflightParts): void {
  const { maxMemory = 0, maxMemoryPolicy, description } = target;
  if (maxMemory === 0) return;
  const evicts = maxMemoryPolicy !== undefined && maxMemoryPolicy !== "noeviction";
  if (evicts)
    warn("EvictionPossible", `${description} evicts keys when its memory is full (${maxMemoryPolicy}): restored keys may vanish silently`);
  if (neededBytes === undefined || evicts) return;
  // Replacing frees what it replaces, so what is there now does not count.
  const used = policy === "fail" ? (target.server.details?.usedMemory ?? 0) : 0;
  if (used + neededBytes * 0.8 <= maxMemory) return;
  throw new DatabaseRefusedError(
    `Cannot restore into ${description}: the source used ${megabytes(neededBytes)}, the target may use ${megabytes(maxMemory)} (maxmemory) and uses ${megabytes(used)} now`,
    { reason: "TargetTooSmall", hint: "Raise maxmemory on the target, or restore into a larger one" },
  );
}

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1024 / 1024)} MiB`;
}
