// What two servers must agree on for one to be the restored copy of the other, and the first things on which they do not.
import { readDatabase } from "./redis-description.ts";
import { connectResp, type RedisAddress, type RespConnection } from "./resp.ts";
import { RespError } from "./resp-parser.ts";

/** Everything but the values is spelled out; values are in the server's own digests. Keys and fields are text in Latin-1, a character a byte. */
export interface DataDescription {
  /** DEBUG DIGEST: every key, value and database number, but no expiry times, functions or consumer groups. */
  readonly digest: string;
  readonly databases: ReadonlyMap<number, DatabaseDescription>;
  /** Code of each function library, by name. */
  readonly functions: ReadonlyMap<string, string>;
}

export interface DatabaseDescription {
  readonly size: number;
  /** DEBUG DIGEST-VALUE of every key; missing when there are too many keys to read one by one. */
  readonly values: ReadonlyMap<string, string> | undefined;
  /** Absolute milliseconds of every key that expires. */
  readonly expiries: ReadonlyMap<string, number>;
  /** How far `expiries` may be off: 0 where the server tells them exactly. */
  readonly expirySlackMs: number;
  /** Absolute milliseconds of every hash field that expires, by `key` → `field`. */
  readonly fieldExpiries: ReadonlyMap<string, number>;
  /** Identifiers, counters, groups, consumers and pending entries of every stream. */
  readonly streams: ReadonlyMap<string, string>;
}

export interface DescribeOptions {
  /** Up to so many keys in all, each value has a digest of its own, so that a difference can be named; default 200,000. */
  readonly maxNamedValues?: number;
}

const MAX_DIFFERENCES = 20;

/** Reads the whole server, which needs DEBUG (`--enable-debug-command local`). Nobody else should write meanwhile. */
export async function describeData(server: RedisAddress, options: DescribeOptions = {}): Promise<DataDescription> {
  const { maxNamedValues = 200_000 } = options;
  await using connection = await connectResp(server);
  const sizes = await readSizes(connection);
  const keys = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  const databases = new Map<number, DatabaseDescription>();
  for (const [database, size] of sizes) {
    await connection.call("SELECT", database);
    databases.set(database, { size, ...(await readDatabase(connection, { withValues: keys <= maxNamedValues })) });
  }
  const digest = String(await connection.call("DEBUG", "DIGEST"));
  return { digest, databases, functions: await readFunctions(connection) };
}

/** The first differences, each a sentence that names the key; none when the data are the same. */
export function diffData(expected: DataDescription, actual: DataDescription): string[] {
  const differences: string[] = [];
  for (const database of union(expected.databases, actual.databases)) {
    diffDatabase(database, [expected.databases.get(database), actual.databases.get(database)], differences);
  }
  diffMaps(expected.functions, actual.functions, (name) => `function library "${name}"`, differences);
  if (expected.digest !== actual.digest) differences.unshift(`DEBUG DIGEST: expected ${expected.digest}, is ${actual.digest}`);
  if (differences.length <= MAX_DIFFERENCES) return differences;
  return [...differences.slice(0, MAX_DIFFERENCES), `and ${differences.length - MAX_DIFFERENCES} more`];
}

/** @throws Error that lists the first differences, or says that nothing was compared because `expected` is empty */
export function expectSameData(expected: DataDescription, actual: DataDescription): void {
  if (expected.databases.size === 0 && expected.functions.size === 0) throw new Error("Nothing was compared: the expected data are empty");
  const differences = diffData(expected, actual);
  if (differences.length > 0) throw new Error(`The data differ:\n${differences.map((line) => `  - ${line}`).join("\n")}`);
}

async function readSizes(connection: RespConnection): Promise<ReadonlyMap<number, number>> {
  const keyspace = String(await connection.call("INFO", "keyspace"));
  const found = [...keyspace.matchAll(/^db(\d+):keys=(\d+)/gm)];
  return new Map(found.map(([, database, size]) => [Number(database), Number(size)]));
}

async function readFunctions(connection: RespConnection): Promise<ReadonlyMap<string, string>> {
  const [reply] = await connection.batch([["FUNCTION", "LIST", "WITHCODE"]]);
  if (reply instanceof RespError && /unknown command/i.test(reply.message)) return new Map();
  if (reply instanceof RespError) throw reply;
  const libraries = (reply as unknown[][]).map(
    (pairs) => new Map(pairs.flatMap((name, index) => (index % 2 === 0 ? [[String(name), pairs[index + 1]]] : []))),
  );
  return new Map(
    libraries.map((library) => [String(library.get("library_name")), `${library.get("engine")}: ${library.get("library_code")}`]),
  );
}

function diffDatabase(
  database: number,
  pair: [DatabaseDescription | undefined, DatabaseDescription | undefined],
  differences: string[],
): void {
  const [expected = NO_KEYS, actual = NO_KEYS] = pair;
  if (expected.size !== actual.size) differences.push(`database ${database}: expected ${expected.size} keys, has ${actual.size}`);
  const named = (what: string) => (key: string) => `database ${database}, ${what} ${printable(key)}`;
  if (expected.values !== undefined && actual.values !== undefined)
    diffMaps(expected.values, actual.values, named("value of"), differences);
  const slackMs = expected.expirySlackMs + actual.expirySlackMs;
  diffMaps(expected.expiries, actual.expiries, named("expiry of"), differences, slackMs);
  diffMaps(expected.fieldExpiries, actual.fieldExpiries, named("field expiry of"), differences);
  diffMaps(expected.streams, actual.streams, named("stream"), differences);
}

const NO_KEYS: DatabaseDescription = {
  size: 0,
  values: new Map(),
  expiries: new Map(),
  expirySlackMs: 0,
  fieldExpiries: new Map(),
  streams: new Map(),
};

type Texts = ReadonlyMap<string, string | number>;

function diffMaps(expected: Texts, actual: Texts, name: (key: string) => string, differences: string[], slack = 0): void {
  for (const key of union(expected, actual)) {
    const [wanted, found] = [expected.get(key), actual.get(key)];
    const isSame = wanted === found || (typeof wanted === "number" && typeof found === "number" && Math.abs(wanted - found) <= slack);
    if (!isSame) differences.push(`${name(key)}: ${describePair(wanted, found)}`);
  }
}

/** Long texts are cut to where they part. */
function describePair(wanted: string | number | undefined, found: string | number | undefined): string {
  let [left, right] = [String(wanted ?? "none"), String(found ?? "none")];
  if (wanted !== undefined && found !== undefined && left.length > 200) {
    let same = 0;
    while (left[same] === right[same]) same += 1;
    [left, right] = [left, right].map((text) => `…${text.slice(Math.max(0, same - 60), same + 60)}…`) as [string, string];
  }
  return `expected ${left.slice(0, 400)}, is ${right.slice(0, 400)}`;
}

function union<K>(left: ReadonlyMap<K, unknown>, right: ReadonlyMap<K, unknown>): ReadonlySet<K> {
  return new Set([...left.keys(), ...right.keys()]);
}

function printable(key: string): string {
  const escaped = JSON.stringify(key).replace(/[\x7f-\xff]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16)}`);
  return escaped.length > 120 ? `${escaped.slice(0, 120)}…` : escaped;
}
