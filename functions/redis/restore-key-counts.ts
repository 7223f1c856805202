import { type InfoFields, parseInfo } from "./server-info.ts";

export interface KeyCounts {
  readonly keys: number;
  /** Keys with an expiry time; undefined when INFO is not allowed. */
  readonly expires: number | undefined;
}

/** Runs one command; undefined when the user may not. */
export type Ask = (...words: string[]) => Promise<unknown>;

/** Keys of every database that has any, or undefined when INFO is not allowed. */
export async function readKeyspace(ask: Ask): Promise<ReadonlyMap<number, KeyCounts> | undefined> {
  const reply = await ask("INFO", "keyspace");
  const fields = parseInfo(Buffer.isBuffer(reply) ? reply.toString() : reply);
  return fields && new Map(databasesOf(fields));
}

function* databasesOf(fields: InfoFields): Generator<[number, KeyCounts]> {
  for (const [name, value] of fields) {
    const database = /^db(\d+)$/.exec(name)?.[1];
    const counts = /keys=(\d+),expires=(\d+)/.exec(value);
    if (database !== undefined && counts !== null) yield [Number(database), { keys: Number(counts[1]), expires: Number(counts[2]) }];
  }
}
