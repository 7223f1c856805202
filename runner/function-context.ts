import type { DatabasePlace } from "./places.ts";
import type { RunParts } from "./run.ts";

/** What a function gets of a run, but for the snapshot. */
export function contextOf(
  plan: { database: DatabasePlace; parameters: Readonly<Record<string, unknown>>; waitTimeoutMs: number },
  { signal, log, warn, progress }: RunParts,
) {
  const { database, parameters, waitTimeoutMs } = plan;
  return { database: database.connection, parameters, waitTimeoutMs, signal, log, warn, progress };
}
