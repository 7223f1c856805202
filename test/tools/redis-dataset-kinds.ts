// One key (or a few) of every type, encoding and oddity: what a snapshot format or a restore can get wrong.
import type { RespArgument, RespConnection } from "./resp.ts";
import type { SeededRandom } from "./seeded-random.ts";

export interface KindsOptions {
  readonly random: SeededRandom;
  /** Expiry times lie hours after this. */
  readonly now: number;
  readonly hasFieldExpiry: boolean;
}

type Command = readonly RespArgument[];

/** Writes into the selected database. */
export async function fillEveryKind(connection: RespConnection, options: KindsOptions): Promise<void> {
  const { random } = options;
  const commands: Command[] = [
    ...strings(random),
    ...oddKeys(random),
    ...lists(random),
    ...sets(random),
    ...sortedSets(random),
    ...hashes(random),
    ...streams(random, options.now),
  ];
  if (options.hasFieldExpiry) commands.push(...fieldExpiries(random, options.now));
  commands.push(...expiries(commands, options));
  for (const command of commands) await connection.send(...command);
  await connection.settled();
}

// The borders of every integer encoding that strings, intsets and listpacks have.
const INTEGERS = [
  ...["0", "1", "12", "13", "-1", "63", "64", "127", "128", "-128", "-129", "255", "4095", "4096", "-4096", "-4097", "32767", "-32768"],
  ...["32768", "8388607", "-8388608", "8388608", "2147483647", "-2147483648", "2147483648", "9223372036854775807", "-9223372036854775808"],
];

function strings(random: SeededRandom): Command[] {
  return [
    ["SET", "string:empty", ""],
    ["SET", "string:short", random.text(20)],
    ["SET", "string:raw", random.text(200)],
    ["SET", "string:unicode", "Zürich – 東京 – 🦀"],
    ["SET", "string:compressible", "abcabcabc".repeat(5000)],
    ["SET", "string:long text", random.text(100_000)],
    ["SET", "string:binary", random.bytes(1000)],
    ["SET", "string:binary big", random.bytes(300_000)],
    ["SET", "string:crlf", "line\r\nline\r\n\0end"],
    ["SET", "string:leading zero", "007"],
    ["SET", "string:float", "3.14159e-10"],
    ["APPEND", "string:appended", "1234"],
    ...INTEGERS.map((integer) => ["SET", `string:int ${integer}`, integer]),
    ["SETBIT", "bitmap:sparse", 100_007, 1],
    ["SETBIT", "bitmap:dense", 7, 1],
    ["BITFIELD", "bitmap:dense", "SET", "u16", "#3", random.below(65_536)],
    ["PFADD", "hyperloglog:sparse", ...many(20, () => random.text(12))],
    ["PFADD", "hyperloglog:dense", ...many(5000, (index) => `${index}-${random.below(1000)}`)],
  ];
}

function oddKeys(random: SeededRandom): Command[] {
  const everyByte = Buffer.from(Array.from({ length: 256 }, (_, index) => index));
  return [
    ["SET", "", "the key is the empty string"],
    ["SET", everyByte, random.bytes(64)],
    ["SET", Buffer.from([0xff, 0xfe, 0x00, 0x0d, 0x0a]), "not UTF-8"],
    ["HSET", Buffer.concat([Buffer.from("odd:"), random.bytes(12)]), Buffer.from([0xc3, 0x28]), random.bytes(30)],
    ["SET", "key with spaces, \"quotes\" and 'more'", "1"],
    ["SET", "1234567", "the key is stored as an integer"],
    ["SET", "-32768", "so is this"],
    ["SET", `compressible key ${"abcd".repeat(200)}`, "the key is stored compressed"],
    ["SET", `long key ${random.bytes(20_000).toString("hex")}`, "40 kB of key"],
    ["SET", "{slot}:a", "1"],
    ["SET", "{slot}:b", "2"],
  ];
}

function lists(random: SeededRandom): Command[] {
  return [
    ["RPUSH", "list:one", random.text(10)],
    ["RPUSH", "list:small", ...INTEGERS, "", random.text(60), random.bytes(63), random.bytes(64), random.text(5000)],
    ["RPUSH", "list:nodes", ...many(3000, () => random.text(50))],
    ["RPUSH", "list:compressible", ...many(2000, () => "the same line again")],
    ["RPUSH", "list:huge element", "before", random.bytes(200_000), "after"],
  ];
}

function sets(random: SeededRandom): Command[] {
  return [
    ["SADD", "set:int16", ...many(100, () => random.below(30_000))],
    ["SADD", "set:int32", ...many(100, () => random.below(2_000_000_000) - 1_000_000_000)],
    ["SADD", "set:int64", ...INTEGERS],
    ["SADD", "set:int many", ...many(1000, (index) => index * 3)],
    ["SADD", "set:small", "", ...many(30, () => random.text(20)), "17"],
    ["SADD", "set:big", ...many(2000, (index) => `${index} ${random.text(12)}`)],
    ["SADD", "set:long member", random.bytes(3000)],
  ];
}

function sortedSets(random: SeededRandom): Command[] {
  const scores = ["-inf", "inf", "0", "-0", "0.1", "-2.5", "3", "1e308", "5e-324", "9007199254740993", "-1e-7", "1234567890.123"];
  return [
    ["ZADD", "zset:small", ...scores.flatMap((score, index) => [score, `member ${index}`])],
    ["ZADD", "zset:ints", ...INTEGERS.flatMap((integer, index) => [index, integer])],
    ["ZADD", "zset:big", ...scores.flatMap((score, index) => [score, `member ${index}`])],
    ["ZADD", "zset:big", ...many(1000, (index) => index).flatMap((index) => [random.below(1e9) / 1000, `${index} ${random.text(10)}`])],
    ["ZADD", "zset:equal scores", ...many(300, (index) => index).flatMap((index) => [1, `tie ${index}`])],
    ["ZADD", "zset:long member", 1.5, random.bytes(500), 2, ""],
    ["GEOADD", "geo:cities", 8.5417, 47.3769, "Zürich", 139.6917, 35.6895, "東京", -70.6693, -33.4489, "Santiago"],
  ];
}

function hashes(random: SeededRandom): Command[] {
  const pairs = (count: number, length: number) =>
    many(count, (index) => index).flatMap((index) => [`field ${index}`, random.text(length)]);
  return [
    ["HSET", "hash:one", "field", "value"],
    ["HSET", "hash:small", "", "empty name", "empty value", "", ...INTEGERS.flatMap((integer) => [integer, integer]), ...pairs(10, 40)],
    ["HSET", "hash:big", ...pairs(1000, 30)],
    ["HSET", "hash:long value", "field", random.text(10_000), Buffer.from([0, 255]), random.bytes(100)],
    ["HINCRBYFLOAT", "hash:counter", "total", "10.5"],
  ];
}

function streams(random: SeededRandom, now: number): Command[] {
  const id = (index: number) => `${1_700_000_000_000 + index * 7}-${index % 3}`;
  const add = (key: string, index: number): Command => ["XADD", key, id(index), "sensor", index % 5, "reading", random.text(30)];
  const group = (name: string, from: string): Command => ["XGROUP", "CREATE", "stream:groups", name, from];
  const read = (name: string, consumer: string, count: number): Command => {
    return ["XREADGROUP", "GROUP", name, consumer, "COUNT", count, "STREAMS", "stream:groups", ">"];
  };
  return [
    ...many(5, (index) => add("stream:small", index + 1)),
    ["XADD", "stream:odd fields", "5-1", "a", "1", "", "", "c", random.bytes(5000)],
    ["XADD", "stream:odd fields", "18446744073709551615-3", "other", "fields"],
    ...many(500, (index) => add("stream:groups", index + 1)),
    group("readers", "0"),
    group("late", "$"),
    group("idle", id(100)),
    read("readers", "alice", 60),
    read("readers", "bob", 40),
    ["XGROUP", "CREATECONSUMER", "stream:groups", "readers", "never reads"],
    ["XACK", "stream:groups", "readers", ...many(25, (index) => id(index * 2 + 1))],
    ["XCLAIM", "stream:groups", "readers", "carol", 0, id(2), id(4), "TIME", now - 12_345, "RETRYCOUNT", 7],
    read("idle", "dave", 10),
    ["XDEL", "stream:groups", id(4), id(6), id(250), id(499), id(500)],
    ["XTRIM", "stream:groups", "MAXLEN", 480],
    ["XGROUP", "CREATE", "stream:empty with group", "waiting", "$", "MKSTREAM"],
    ["XADD", "stream:emptied", "77-7", "gone", "soon"],
    ["XDEL", "stream:emptied", "77-7"],
  ];
}

function fieldExpiries(random: SeededRandom, now: number): Command[] {
  const at = () => now + 7_200_000 + random.below(20_000_000);
  const names = many(700, (index) => `field ${index}`);
  return [
    ["HSET", "hash:expiring small", ...names.slice(0, 12).flatMap((name) => [name, random.text(10)])],
    ["HPEXPIREAT", "hash:expiring small", at(), "FIELDS", 2, names[0] as string, names[3] as string],
    ["HPEXPIREAT", "hash:expiring small", at(), "FIELDS", 1, names[5] as string],
    ["HSET", "hash:expiring big", ...names.flatMap((name) => [name, random.text(10)])],
    ...names.slice(0, 300).map((name) => ["HPEXPIREAT", "hash:expiring big", at(), "FIELDS", 1, name]),
    ["HSET", "hash:expiring all", "only", "field"],
    ["HPEXPIREAT", "hash:expiring all", at(), "FIELDS", 1, "only"],
  ];
}

/** Every third key gets an expiry, to the millisecond, two to nine hours ahead; so does a key of its own. */
function expiries(commands: readonly Command[], { random, now }: KindsOptions): Command[] {
  const keys = new Set(commands.filter(([verb]) => !String(verb).startsWith("X") || verb === "XADD").map(([, key]) => key as RespArgument));
  const expiring = [...keys].filter(() => random.oneIn(3));
  return [
    ["SET", "expiring:always", "1"],
    ["PEXPIREAT", "expiring:always", now + 7_200_123],
    ...expiring.map((key) => ["PEXPIREAT", key, now + 7_200_000 + random.below(25_000_000)]),
  ];
}

function many<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index));
}
