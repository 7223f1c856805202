import { compressed, double, int64, integer, intset, length, listpack, streamId, string, ziplist, zipmap } from "./rdb-bytes.ts";

export interface SampleValue {
  readonly name: string;
  readonly type: number;
  readonly value: Buffer;
  /** Only in VALKEY files. */
  readonly isValkey?: boolean;
  /** What commands would add, as text: the parts of each element joined by "|". Undefined for modules. */
  readonly elements?: readonly string[];
}

const concat = (...parts: readonly Uint8Array[]) => Buffer.concat(parts);
const LONG = "long ".repeat(60);

/** A node with three entries: one of the shared fields, one deleted, one of its own fields. */
const STREAM_NODE = listpack([2, 1, 2, "a", "b", 0, 2, 0, 0, "1", 2, 5, 3, 1, 0, "x", "y", 5, 0, 300, 7, 1, "own", -5, 6]);
const STREAM_ENTRIES = ["entry|1000-5|a|1|b|2", "entry|1300-12|own|-5"];

function stream(version: 1 | 2 | 3): Buffer {
  return concat(
    length(1),
    string(streamId(1000, 5)),
    string(STREAM_NODE),
    ...[2, 1300, 12].map(length),
    ...(version === 1 ? [] : [1000, 5, 1001, 5, 3].map(length)),
    length(1),
    string("group"),
    ...[1000, 5].map(length),
    ...(version === 1 ? [] : [length(0xffff_ffff_ffff_ffffn)]),
    concat(length(1), streamId(1000, 5), int64(777), length(3)),
    concat(length(2), string("alice"), int64(778), ...(version === 3 ? [int64(779)] : []), length(1), streamId(1000, 5)),
    concat(string("bob"), int64(780), ...(version === 3 ? [int64(-1)] : []), length(0)),
  );
}

const streamElements = (state: string, group: string) => [
  ...STREAM_ENTRIES,
  state,
  group,
  "consumer|group|alice|1000-5:777:3",
  "consumer|group|bob|",
];

/** A value of every type, in the encodings that servers choose. */
export const SAMPLE_VALUES: readonly SampleValue[] = [
  { name: "string", type: 0, value: string("text"), elements: ["text"] },
  { name: "empty string", type: 0, value: string(""), elements: [] },
  { name: "integer", type: 0, value: integer(-7), elements: ["-7"] },
  { name: "integer of 2 bytes", type: 0, value: integer(-700), elements: ["-700"] },
  { name: "integer of 4 bytes", type: 0, value: integer(70_000), elements: ["70000"] },
  { name: "compressed", type: 0, value: compressed("abc"), elements: [`abc${"c".repeat(109)}`] },
  { name: "long string", type: 0, value: string(Buffer.alloc(20_000, "z")), elements: ["z".repeat(20_000)] },
  {
    name: "list",
    type: 1,
    value: concat(length(3), string("a"), integer(5), compressed("q")),
    elements: ["a", "5", `q${"q".repeat(109)}`],
  },
  {
    name: "list ziplist",
    type: 10,
    value: string(ziplist(["a", 0, 12, 13, -129, 40_000, 9_000_000, 2 ** 40, LONG])),
    elements: ["a", "0", "12", "13", "-129", "40000", "9000000", String(2 ** 40), LONG],
  },
  {
    name: "quicklist",
    type: 14,
    value: concat(length(2), string(ziplist(["a", LONG, "b"])), string(ziplist([7]))),
    elements: ["a", LONG, "b", "7"],
  },
  {
    name: "quicklist2",
    type: 18,
    value: concat(length(2), length(2), string(listpack(["a", 1])), length(1), string("plain")),
    elements: ["a", "1", "plain"],
  },
  { name: "set", type: 2, value: concat(length(2), string("a"), integer(300)), elements: ["a", "300"] },
  { name: "intset of 2 bytes", type: 11, value: string(intset(2, [-5, 300])), elements: ["-5", "300"] },
  { name: "intset of 4 bytes", type: 11, value: string(intset(4, [-70_000])), elements: ["-70000"] },
  { name: "intset of 8 bytes", type: 11, value: string(intset(8, [2 ** 40])), elements: [String(2 ** 40)] },
  {
    name: "set listpack",
    type: 20,
    value: string(listpack(["a", 127, 128, -1, -4096, 5000, 70_000, 9_000_000, -(2 ** 40), LONG, LONG.repeat(20)])),
    elements: ["a", "127", "128", "-1", "-4096", "5000", "70000", "9000000", String(-(2 ** 40)), LONG, LONG.repeat(20)],
  },
  {
    name: "old sorted set",
    type: 3,
    value: concat(
      length(4),
      string("a"),
      Buffer.from("\x031.5", "latin1"),
      string("b"),
      Buffer.of(254),
      string("c"),
      Buffer.of(255),
      string("d"),
      Buffer.from("\x012", "latin1"),
    ),
    elements: ["a|1.5", "b|inf", "c|-inf", "d|2"],
  },
  {
    name: "sorted set",
    type: 5,
    value: concat(
      length(5),
      string("a"),
      double(0.1),
      string("b"),
      double(-0),
      string("c"),
      double(Number.POSITIVE_INFINITY),
      string("d"),
      double(Number.NEGATIVE_INFINITY),
      string("e"),
      double(1e300),
    ),
    elements: ["a|0.1", "b|-0", "c|inf", "d|-inf", "e|1e+300"],
  },
  { name: "sorted set ziplist", type: 12, value: string(ziplist(["a", 1, "b", "2.5"])), elements: ["a|1", "b|2.5"] },
  { name: "sorted set listpack", type: 17, value: string(listpack(["a", 1, "b", "2.5"])), elements: ["a|1", "b|2.5"] },
  { name: "hash", type: 4, value: concat(length(2), string("f"), string("v"), string("g"), integer(5)), elements: ["f|v|0", "g|5|0"] },
  {
    name: "hash zipmap",
    type: 9,
    value: string(
      zipmap([
        ["f", "v"],
        ["g", LONG],
      ]),
    ),
    elements: ["f|v|0", `g|${LONG}|0`],
  },
  { name: "hash ziplist", type: 13, value: string(ziplist(["f", "v", "g", 5])), elements: ["f|v|0", "g|5|0"] },
  { name: "hash listpack", type: 16, value: string(listpack(["f", "v", "g", 5])), elements: ["f|v|0", "g|5|0"] },
  {
    name: "hash with times, release candidate",
    type: 22,
    value: concat(length(2), length(0), string("f"), string("v"), length(4_000_000_000_000), string("g"), string("w")),
    elements: ["f|v|0", "g|w|4000000000000"],
  },
  {
    name: "hash listpack with times, release candidate",
    type: 23,
    value: string(listpack(["f", "v", 0, "g", "w", 4_000_000_000_000])),
    elements: ["f|v|0", "g|w|4000000000000"],
  },
  {
    name: "hash with times",
    type: 24,
    value: concat(
      int64(4_000_000_000_000),
      length(3),
      length(0),
      string("f"),
      string("v"),
      length(1),
      string("g"),
      string("w"),
      length(501),
      string("h"),
      string("x"),
    ),
    elements: ["f|v|0", "g|w|4000000000000", "h|x|4000000000500"],
  },
  {
    name: "hash listpack with times",
    type: 25,
    value: concat(int64(4_000_000_000_000), string(listpack(["f", "v", 0, "g", "w", 4_000_000_000_000]))),
    elements: ["f|v|0", "g|w|4000000000000"],
  },
  {
    name: "hash with times of Valkey",
    type: 22,
    isValkey: true,
    value: concat(length(2), string("f"), string("v"), int64(-1), string("g"), string("w"), int64(4_000_000_000_000)),
    elements: ["f|v|0", "g|w|4000000000000"],
  },
  { name: "stream", type: 15, value: stream(1), elements: streamElements("state|1300-12", "group|group|1000-5") },
  { name: "stream of 7.0", type: 19, value: stream(2), elements: streamElements("state|1300-12|3|1001-5", "group|group|1000-5|-1") },
  { name: "stream of 7.2", type: 21, value: stream(3), elements: streamElements("state|1300-12|3|1001-5", "group|group|1000-5|-1") },
  {
    name: "module",
    type: 7,
    value: concat(
      length(0x2000_0000_0000_0401n),
      length(1),
      length(5),
      length(2),
      length(2n ** 60n),
      length(3),
      Buffer.alloc(4),
      length(4),
      double(1),
      length(5),
      string("text"),
      length(0),
    ),
  },
];
