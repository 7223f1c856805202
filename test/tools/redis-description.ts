// Reads what the server's whole digest does not cover, or does not name, key by key.
import type { DatabaseDescription } from "./redis-equality.ts";
import type { RespConnection } from "./resp.ts";
import { RespError, type RespReply } from "./resp-parser.ts";

/** Describes the selected database. */
export async function readDatabase(
  connection: RespConnection,
  options: { withValues: boolean },
): Promise<Omit<DatabaseDescription, "size">> {
  const values = new Map<string, string>();
  const expiries = new Map<string, number>();
  let expirySlackMs = 0;
  for await (const keys of scan(connection)) {
    const times = await readExpiries(connection, keys);
    expirySlackMs = Math.max(expirySlackMs, times.slackMs);
    for (const [index, key] of keys.entries()) {
      const at = times.at[index] ?? -1;
      if (at >= 0) expiries.set(key.toString("latin1"), at);
    }
    if (options.withValues) await readValues(connection, keys, values);
  }
  const fieldExpiries = await readFieldExpiries(connection);
  const streams = await readStreams(connection);
  return { values: options.withValues ? values : undefined, expiries, expirySlackMs, fieldExpiries, streams };
}

async function* scan(connection: RespConnection, ...filter: string[]): AsyncGenerator<Buffer[]> {
  let cursor = "0";
  do {
    const [next, keys] = (await connection.call("SCAN", cursor, "COUNT", 1000, ...filter)) as [Buffer, Buffer[]];
    cursor = next.toString();
    if (keys.length > 0) yield keys;
  } while (cursor !== "0");
}

async function readExpiries(connection: RespConnection, keys: readonly Buffer[]): Promise<{ at: number[]; slackMs: number }> {
  const replies = await connection.batch(keys.map((key) => ["PEXPIRETIME", key]));
  const isUnknown = replies.some((reply) => reply instanceof RespError && /unknown command/i.test(reply.message));
  if (!isUnknown) return { at: replies.map(toNumber), slackMs: 0 };
  // before 7.0 the server tells only what is left
  const [before, ...left] = await connection.batch([["TIME"], ...keys.map((key) => ["PTTL", key]), ["TIME"]]);
  const [start, end] = [toMilliseconds(before), toMilliseconds(left.pop())];
  return { at: left.map(toNumber).map((ms) => (ms < 0 ? ms : ms + start)), slackMs: Math.ceil(end - start) + 1 };
}

async function readValues(connection: RespConnection, keys: readonly Buffer[], values: Map<string, string>): Promise<void> {
  const digests = (await connection.call("DEBUG", "DIGEST-VALUE", ...keys)) as string[];
  for (const [index, key] of keys.entries()) values.set(key.toString("latin1"), String(digests[index]));
}

async function readFieldExpiries(connection: RespConnection): Promise<ReadonlyMap<string, number>> {
  const found = new Map<string, number>();
  const [command] = (await connection.call("COMMAND", "INFO", "HPEXPIRETIME")) as RespReply[];
  if (!Array.isArray(command) || command.length === 0) return found;
  for await (const keys of scan(connection, "TYPE", "hash")) {
    for (const key of keys) await readFieldsOf(connection, key, found);
  }
  return found;
}

async function readFieldsOf(connection: RespConnection, key: Buffer, found: Map<string, number>): Promise<void> {
  let cursor = "0";
  do {
    const [next, pairs] = (await connection.call("HSCAN", key, cursor, "COUNT", 1000)) as [Buffer, Buffer[]];
    cursor = next.toString();
    const fields = pairs.filter((_, index) => index % 2 === 0);
    if (fields.length === 0) continue;
    const times = (await connection.call("HPEXPIRETIME", key, "FIELDS", fields.length, ...fields)) as number[];
    for (const [index, field] of fields.entries()) {
      const at = times[index] ?? -1;
      if (at >= 0) found.set(`${key.toString("latin1")} → ${field.toString("latin1")}`, at);
    }
  } while (cursor !== "0");
}

async function readStreams(connection: RespConnection): Promise<ReadonlyMap<string, string>> {
  const streams = new Map<string, string>();
  for await (const keys of scan(connection, "TYPE", "stream")) {
    for (const key of keys) streams.set(key.toString("latin1"), await describeStream(connection, key));
  }
  return streams;
}

/** Entries are left to the digest: of a stream of millions only what is pending is fetched. */
async function describeStream(connection: RespConnection, key: Buffer): Promise<string> {
  const groups = ((await connection.call("XINFO", "GROUPS", key)) as RespReply[][]).map(toRecord);
  const mostPending = Math.max(1, ...groups.map((group) => Number(group.pending)));
  const stream = toRecord((await connection.call("XINFO", "STREAM", key, "FULL", "COUNT", mostPending)) as RespReply[]);
  for (const ownMemory of ["radix-tree-keys", "radix-tree-nodes", "entries"]) delete stream[ownMemory];
  return JSON.stringify(stream);
}

/** Maps come as flat lists in RESP 2, and maps of streams have lists of such lists below "groups" and "consumers". */
function toRecord(pairs: readonly RespReply[]): Record<string, unknown> {
  const record: Record<string, unknown> = {};
  for (let index = 0; index < pairs.length; index += 2) {
    const [name, value] = [String(pairs[index]), pairs[index + 1]];
    const isListOfMaps = name === "groups" || name === "consumers";
    record[name] = isListOfMaps && Array.isArray(value) ? sortByName((value as RespReply[][]).map(toRecord)) : toPlain(value);
  }
  return record;
}

function sortByName(records: Record<string, unknown>[]): Record<string, unknown>[] {
  return records.sort((left, right) => (String(left.name) < String(right.name) ? -1 : 1));
}

function toPlain(value: RespReply | undefined): unknown {
  if (Array.isArray(value)) return value.map(toPlain);
  return Buffer.isBuffer(value) ? value.toString("latin1") : value;
}

function toNumber(reply: RespReply | undefined): number {
  if (typeof reply === "number") return reply;
  throw reply instanceof Error ? reply : new Error(`Expected a number, got ${JSON.stringify(reply)}`);
}

function toMilliseconds(time: RespReply | undefined): number {
  if (!Array.isArray(time)) throw time instanceof Error ? time : new Error("Expected the server's time");
  return Number(time[0]) * 1000 + Number(time[1]) / 1000;
}
