import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { redisRestoreParameters } from "../../../functions/redis/parameters.ts";
import type { DatabaseConnection, ParametersOf, RestoreContext, SnapshotReader } from "../../../runner/function.ts";
import { parseParameters } from "../../../runner/parameters.ts";
import type { RedisServer } from "../../servers/redis-server.ts";

/** A server's data as a backup would hold it. */
export interface SavedData {
  readonly rdb: Buffer;
  readonly facts: Readonly<Record<string, unknown>>;
}

/** Saves the server's data, and what a backup would note about them. */
export async function saveData(server: RedisServer): Promise<SavedData> {
  await server.cli("SAVE");
  const keyspace = await server.cli("INFO", "keyspace");
  const keyspaceAtStart = Object.fromEntries(
    [...keyspace.matchAll(/(db\d+):keys=(\d+),expires=(\d+)/g)].map(([, name, keys, expires]) => [
      name,
      { keys: Number(keys), expires: Number(expires) },
    ]),
  );
  return { rdb: await readFile(join(server.directory, "dump.rdb")), facts: { keyspaceAtStart, modules: [] } };
}

export interface RestoreTestContext extends RestoreContext<ParametersOf<typeof redisRestoreParameters>> {
  readonly warnings: { readonly reason: string; readonly message: string }[];
  readonly abort: AbortController;
}

export interface RestoreChoices {
  readonly flags?: Readonly<Record<string, string>>;
  readonly chunkBytes?: number;
  /** Told before each chunk how many bytes went before. */
  readonly onChunk?: (bytes: number) => void | Promise<void>;
}

/** A run's context for one restore into this database; waits for nothing. */
export function restoreContext(database: DatabaseConnection, data: SavedData, choices: RestoreChoices = {}): RestoreTestContext {
  const abort = new AbortController();
  const warnings: { reason: string; message: string }[] = [];
  const nothing = () => {};
  return {
    database,
    parameters: parseParameters(redisRestoreParameters, { flags: choices.flags ?? {}, environment: {} }),
    waitTimeoutMs: 0,
    signal: abort.signal,
    log: { debug: nothing, info: nothing, warn: nothing, error: nothing },
    warn: (reason, message) => void warnings.push({ reason, message }),
    progress: nothing,
    snapshot: snapshotOf(data, choices),
    warnings,
    abort,
  };
}

function snapshotOf({ rdb, facts }: SavedData, { chunkBytes = 1024 * 1024, onChunk }: RestoreChoices): SnapshotReader {
  return {
    id: "20260101T000000Z-00000000",
    facts,
    streams: [{ name: "dump.rdb", mediaType: "application/x-redis-rdb", rawBytes: rdb.length }],
    findMissing: async () => undefined,
    async *stream() {
      for (let at = 0; at < rdb.length; at += chunkBytes) {
        await onChunk?.(at);
        yield Buffer.from(rdb.subarray(at, at + chunkBytes));
      }
    },
  };
}
