import { IncompleteError } from "../../runner/errors.ts";
import { formatDigest } from "./format-digest.ts";
import type { SearchServer } from "./inspect-server.ts";
import { listIndices } from "./list-indices.ts";
import { type CursorOptions, openCursors } from "./open-cursors.ts";
import type { PreparedTarget } from "./prepare-target.ts";
import { type LineSink, readIndex } from "./read-index.ts";
import { readIndexEntries } from "./read-index-entries.ts";
import type { ReadLimit } from "./read-limit.ts";
import type { RestorePlan } from "./restore-plan.ts";
import type { SearchTransport } from "./transport.ts";

export interface VerifyOptions extends CursorOptions {
  readonly limit: ReadLimit;
  onPage(documents: number, bytes: number): void;
}

const nowhere: LineSink = { write: async () => {}, finish: async () => {} };

/**
 * Reads every restored index back and compares digest and count with the backup's; where the source is made by the server, before or now, counts
 * alone. Resolves with how many indices were compared byte for byte, and how many by count. @throws IncompleteError with all differences
 */
export async function verifyRestored(
  transport: SearchTransport,
  server: SearchServer,
  { plan, prepared, options }: { readonly plan: RestorePlan; readonly prepared: PreparedTarget; readonly options: VerifyOptions },
): Promise<{ readonly byDigest: number; readonly byCount: number }> {
  const restored = plan.indices.filter(({ action }) => action !== "skip").map((index) => ({ index, name: prepared.loaded(index).index }));
  const names = restored.map(({ name }) => name);
  await using cursors = await openCursors(transport, server, { ...options, names });
  const listed = (await listIndices(transport, server)).filter(({ name }) => names.includes(name));
  const entries = new Map((await readIndexEntries(transport, listed)).map((entry) => [entry.name, entry]));
  const differences: string[] = [];
  let byDigest = 0;
  for (const { index, name } of restored) {
    const entry = entries.get(name);
    if (entry === undefined) {
      differences.push(`"${name}" is not there`);
      continue;
    }
    const reading = await readIndex(cursors, entry, { limit: options.limit, openTarget: () => nowhere, onPage: options.onPage });
    await cursors.close(name);
    const isComparable = index.entry.source === "stored" && entry.source === "stored";
    if (isComparable) byDigest += 1;
    const digest = formatDigest(reading.digest, reading.documents);
    const isEqual = reading.documents === index.facts.documents && (!isComparable || digest === index.facts.digest);
    if (!isEqual) differences.push(`"${name}" holds ${reading.documents} documents with digest ${digest} instead of ${index.facts.digest}`);
  }
  if (differences.length > 0)
    throw new IncompleteError(`What was restored is not what was backed up: ${differences.join("; ")}`, {
      reason: "RestoredDiffers",
      facts: { differences },
      hint: "Somebody else may have written meanwhile; if not, do not rely on these indices",
    });
  return { byDigest, byCount: restored.length - byDigest };
}
