import fc from "fast-check";
import { EVENT } from "../../../functions/redis/rdb-events.ts";
import { RdbWalker } from "../../../functions/redis/rdb-walker.ts";
import { compressed, decompressed, int64, integer, length, string } from "./rdb-bytes.ts";
import { SAMPLE_VALUES } from "./rdb-sample-values.ts";

interface SeenRecord {
  readonly database: number;
  readonly type: number;
  readonly key: string;
  readonly expiresAtMs: number;
  readonly idleSeconds: number;
  readonly frequency: number;
  readonly value: string;
}

const END = Buffer.from("\xff12345678", "latin1");
const PLAIN = { database: 0, expiresAtMs: 0, idleSeconds: -1, frequency: -1 };

const REDIS_SAMPLES = SAMPLE_VALUES.filter(({ isValkey }) => !isValkey);
const EVERYTHING = Buffer.concat([
  Buffer.from("REDIS0012"),
  Buffer.from("\xfa", "latin1"),
  string("redis-ver"),
  string("8.0.0"),
  Buffer.from("\xfa", "latin1"),
  string("used-mem"),
  integer(70_000),
  Buffer.from("\xf7", "latin1"),
  Buffer.concat([length(0x2000_0000_0000_0401n), length(2), length(1), length(5), string("module data"), length(0)]),
  Buffer.from("\xf5", "latin1"),
  string("#!lua name=lib\n…"),
  Buffer.from("\xfe\x00\xfb\x05\x01\xf4\x01\x02\x03", "latin1"),
  ...REDIS_SAMPLES.flatMap(({ type, name, value }) => [Buffer.of(type), string(name), value]),
  Buffer.of(254),
  length(300),
  Buffer.concat([Buffer.of(252), int64(1_700_000_000_123), Buffer.of(249, 255, 0), compressed("key"), string("v")]),
  Buffer.concat([Buffer.of(253, 0x10, 0, 0, 0, 248), length(5000), Buffer.of(0), integer(-12_345), string("v")]),
  Buffer.concat([Buffer.of(0), string("plain again"), string(Buffer.alloc(50_000, "long"))]),
  END,
]);
const EXPECTED: readonly SeenRecord[] = [
  ...REDIS_SAMPLES.map(({ type, name, value }) => ({ ...PLAIN, type, key: name, value: value.toString("hex") })),
  {
    database: 300,
    type: 0,
    key: decompressed("key"),
    expiresAtMs: 1_700_000_000_123,
    idleSeconds: -1,
    frequency: 255,
    value: string("v").toString("hex"),
  },
  { database: 300, type: 0, key: "-12345", expiresAtMs: 16_000, idleSeconds: 5000, frequency: -1, value: string("v").toString("hex") },
  { ...PLAIN, database: 300, type: 0, key: "plain again", value: string(Buffer.alloc(50_000, "long")).toString("hex") },
];

test("every type and opcode is walked over, and every attribute belongs to its own key", () => {
  const { records, others } = walk([EVERYTHING]);

  expect(records).toEqual(EXPECTED);
  expect(others).toEqual([
    "header redis 12",
    "aux redis-ver=8.0.0",
    "aux used-mem=70000",
    `module ${MODULE}`,
    "library #!lua name=lib\n…",
    "database 0",
    "database 300",
  ]);
});

test("the same records come out of a file cut into single bytes, with a window as small as allowed", () => {
  const bytes = Array.from(EVERYTHING, (_, at) => EVERYTHING.subarray(at, at + 1));

  expect(walk(bytes, 65_536).records).toEqual(EXPECTED);
});

test("the same records come out wherever the file is cut", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(EVERYTHING.length), { maxLength: 20 }), fc.constantFrom(65_536, 100_000, 2_000_000), (cuts, window) => {
      const borders = [0, ...cuts.toSorted((a, b) => a - b), EVERYTHING.length];
      const pieces = borders.slice(1).map((end, index) => EVERYTHING.subarray(borders[index], end));

      expect(walk(pieces, window).records).toEqual(EXPECTED);
    }),
    { numRuns: 60 },
  );
});

test("cut in two at every single byte, a file of every type gives the same records", () => {
  const short = Buffer.concat([
    Buffer.from("REDIS0012\xfe\x00", "latin1"),
    ...REDIS_SAMPLES.filter(({ value }) => value.length < 1000).flatMap(({ type, name, value }) => [Buffer.of(type), string(name), value]),
    END,
  ]);
  const expected = walk([short]).records;

  for (let at = 0; at <= short.length; at += 1) expect(walk([short.subarray(0, at), short.subarray(at)], 65_536).records).toEqual(expected);
});

test("a value larger than the window comes in parts that join to the whole, with its length foretold for strings alone", () => {
  const long = Buffer.alloc(1_000_000, "0123456789");
  const list = Buffer.concat([length(3), string(long), string("x"), string(long)]);
  const file = Buffer.concat([
    Buffer.from("REDIS0010\xfe\x00", "latin1"),
    Buffer.of(0),
    string("s"),
    string(long),
    Buffer.of(1),
    string("l"),
    list,
    END,
  ]);

  const { records, foretold } = walk([file], 65_536);

  expect(records.map(({ key, value }) => [key, value])).toEqual([
    ["s", string(long).toString("hex")],
    ["l", list.toString("hex")],
  ]);
  expect(foretold).toEqual([string(long).length, -1]);
});

test("a key larger than the window is read whole", () => {
  const key = "k".repeat(300_000);
  const file = Buffer.concat([
    Buffer.from("REDIS0010"),
    Buffer.of(0),
    string(key),
    string("v"),
    Buffer.of(0),
    string("next"),
    string("w"),
    END,
  ]);

  expect(walk([file], 65_536).records.map((record) => record.key)).toEqual([key, "next"]);
});

test("a module's data beside its keys may be larger than the window", () => {
  const aside = Buffer.concat([
    Buffer.of(247),
    length(0x2000_0000_0000_0401n),
    length(2),
    length(1),
    length(5),
    string(Buffer.alloc(500_000)),
    length(0),
  ]);

  const { records, others } = walk(
    [Buffer.concat([Buffer.from("REDIS0010"), aside, Buffer.from("\x00\x01k\x01v", "latin1"), END])],
    65_536,
  );

  expect(others).toEqual(["header redis 10", `module ${MODULE}`]);
  expect(records.map(({ key }) => key)).toEqual(["k"]);
});

test("an auxiliary field and a function library are read whole, and a library beyond the window is refused by name", () => {
  const field = Buffer.concat([Buffer.of(250), string("note"), string("n".repeat(200_000))]);
  const file = (library: number) => Buffer.concat([Buffer.from("REDIS0010"), field, Buffer.of(245), string("l".repeat(library)), END]);

  const [, note, library] = walk([file(20_000)], 65_536).others;
  expect(note).toBe(`aux note=${"n".repeat(200_000)}`);
  expect(library?.endsWith("l".repeat(20_000))).toBe(true);
  expect(() => walk([file(200_000)], 65_536)).toThrow(expect.objectContaining({ exitCode: 3, reason: "LibraryTooLarge" }));
});

test("Valkey's own hash with times is read in its files, where the same type means something else in Redis'", () => {
  const sample = SAMPLE_VALUES.find(({ isValkey }) => isValkey);
  const record = Buffer.concat([Buffer.of(22), string("h"), sample?.value ?? Buffer.alloc(0)]);

  const { records } = walk([Buffer.concat([Buffer.from("VALKEY080"), record, END])]);

  expect(records.map(({ value }) => value)).toEqual([sample?.value.toString("hex")]);
});

test("files from before checksums end with their end mark", () => {
  expect(walk([Buffer.from("REDIS0003\x00\x01a\x01b\xff", "latin1")]).records).toHaveLength(1);
});

test.each([
  ["a newer Redis version", "REDIS0013", "UnsupportedRdbVersion"],
  ["a newer Valkey version", "VALKEY081", "UnsupportedRdbVersion"],
  ["something else", "ELASTIC01", "NotAnRdbFile"],
])("%s is refused by name", (_what, header, reason) => {
  expect(() => walk([Buffer.concat([Buffer.from(header), END])])).toThrow(
    expect.objectContaining({ exitCode: 3, reason, message: expect.stringContaining(header) }),
  );
});

test.each([
  ["type 6, a module's value of a release candidate", "REDIS0012", 6],
  ["type 8, which never was", "REDIS0012", 8],
  ["type 26, of a newer Redis", "REDIS0012", 26],
  ["type 24 in a Valkey file", "VALKEY080", 24],
])("%s is refused with the key", (_what, header, type) => {
  const file = Buffer.concat([Buffer.from(header), Buffer.of(type), string("my key"), string("v"), END]);

  expect(() => walk([file])).toThrow(
    expect.objectContaining({ exitCode: 3, reason: "UnknownRdbType", message: expect.stringContaining('"my key"') }),
  );
});

test.each([243, 246])("opcode %d is refused", (opcode) => {
  const file = Buffer.concat([Buffer.from("REDIS0012"), Buffer.of(opcode), string("x"), END]);

  expect(() => walk([file])).toThrow(expect.objectContaining({ exitCode: 3, reason: "UnknownRdbOpcode" }));
});

test("a file that ends at any byte before its end is refused as cut short", () => {
  const file = Buffer.concat([
    Buffer.from("REDIS0010\xfe\x00", "latin1"),
    Buffer.of(4),
    string("hash"),
    length(1),
    string("f"),
    string("v"),
    END,
  ]);

  for (let end = 0; end < file.length; end += 1) {
    expect(() => walk([file.subarray(0, end)])).toThrow(expect.objectContaining({ exitCode: 3, reason: "TruncatedRdb" }));
  }
});

test("a file that ends inside a value names its key", () => {
  const file = Buffer.concat([Buffer.from("REDIS0010"), Buffer.of(0), string("my\nkey"), string("value")]);

  expect(() => walk([file.subarray(0, -2)])).toThrow('inside the value of key "my\\x0akey"');
});

test("bytes behind the end are refused, also when they come late", () => {
  const file = Buffer.concat([Buffer.from("REDIS0010"), END]);

  expect(() => walk([Buffer.concat([file, Buffer.of(0)])])).toThrow(expect.objectContaining({ exitCode: 3, reason: "CorruptRdb" }));
  expect(() => walk([file, Buffer.of(0)])).toThrow(expect.objectContaining({ exitCode: 3, reason: "CorruptRdb" }));
});

test("random damage gives a named failure or other records, never anything else", () => {
  fc.assert(
    fc.property(fc.nat(EVERYTHING.length - 1), fc.nat(255), (at, byte) => {
      const damaged = Buffer.from(EVERYTHING);
      damaged[at] = byte;

      try {
        walk([damaged], 65_536);
      } catch (error) {
        expect(error).toMatchObject({ exitCode: 3 });
      }
    }),
    { numRuns: 400 },
  );
});

const MODULE = "IAAAAAAAB";

function walk(pieces: readonly Buffer[], window = 1_000_000): { records: SeenRecord[]; others: string[]; foretold: number[] } {
  const walker = new RdbWalker(Buffer.allocUnsafe(window));
  const seen = { records: [] as SeenRecord[], others: [] as string[], foretold: [] as number[] };
  let parts: Buffer[] = [];
  for (const piece of pieces) {
    for (let at = 0; at < piece.length; ) {
      at += walker.fill(piece, at);
      for (let event = walker.next(); event !== EVENT.needInput; event = walker.next()) parts = note(event, walker, { seen, parts });
    }
  }
  walker.finish();
  return seen;
}

function note(event: number, walker: RdbWalker, state: { seen: ReturnType<typeof walk>; parts: Buffer[] }): Buffer[] {
  const { seen, parts } = state;
  const value = Buffer.from(walker.buffer.subarray(walker.valueStart, walker.valueEnd));
  if (event === EVENT.part) {
    expect(walker.partStart).toBe(Buffer.concat(parts).length);
    if (walker.partStart === 0) seen.foretold.push(walker.valueBytes);
    return [...parts, value];
  }
  if (event === EVENT.record || event === EVENT.lastPart) {
    const { database, type, expiresAtMs, idleSeconds, frequency } = walker;
    const whole = Buffer.concat([...parts, value]);
    expect(parts.length > 0).toBe(event === EVENT.lastPart);
    seen.records.push({ database, type, key: walker.key().toString(), expiresAtMs, idleSeconds, frequency, value: whole.toString("hex") });
    return [];
  }
  if (event === EVENT.header) seen.others.push(`header ${walker.header.flavour} ${walker.header.version}`);
  if (event === EVENT.auxiliary) seen.others.push(`aux ${walker.auxiliary.join("=")}`);
  if (event === EVENT.database) seen.others.push(`database ${walker.database}`);
  if (event === EVENT.library) seen.others.push(`library ${value.subarray(1)}`);
  if (event === EVENT.moduleAuxiliary) seen.others.push(`module ${walker.module}`);
  return parts;
}
