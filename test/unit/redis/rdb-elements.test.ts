import fc from "fast-check";
import { type Element, elementsOf } from "../../../functions/redis/rdb-elements.ts";
import { NEED, RdbInput } from "../../../functions/redis/rdb-input.ts";
import { double, int64, intset, length, listpack, streamId, string, ziplist } from "./rdb-bytes.ts";
import { SAMPLE_VALUES } from "./rdb-sample-values.ts";

const SAMPLES = SAMPLE_VALUES.filter(({ elements }) => elements !== undefined);

test.each(SAMPLES)("a value of type $type ($name) is taken apart into what commands would add", ({ type, value, isValkey, elements }) => {
  expect(takeApart(type, [value], isValkey)).toEqual(elements);
});

test("the same elements come out wherever a value is cut", () => {
  fc.assert(
    fc.property(fc.constantFrom(...SAMPLES), fc.array(fc.nat(10_000), { maxLength: 10 }), ({ type, value, isValkey, elements }, cuts) => {
      const borders = [0, ...cuts.map((cut) => cut % (value.length + 1)).toSorted((a, b) => a - b), value.length];
      const pieces = borders.slice(1).map((end, index) => value.subarray(borders[index], end));

      expect(takeApart(type, pieces, isValkey)).toEqual(elements);
    }),
  );
});

test("a module's value is not taken apart", () => {
  expect(() => takeApart(7, [length(0)])).toThrow("cannot be taken apart");
});

test.each<[string, number, Buffer]>([
  ["a listpack without its end", 16, string(listpack(["a", "b"]).subarray(0, -1))],
  ["a listpack with an unknown encoding", 16, string(Buffer.concat([listpack([]).subarray(0, 6), Buffer.of(0xf5, 0xff)]))],
  ["a listpack whose text is longer than it", 20, string(Buffer.concat([listpack([]).subarray(0, 6), Buffer.of(0xbf, 0xff)]))],
  ["a ziplist without its end", 10, string(ziplist(["a"]).subarray(0, -1))],
  ["a ziplist with an unknown encoding", 10, string(Buffer.concat([ziplist([]).subarray(0, 10), Buffer.of(0, 0xc1, 0xff)]))],
  ["a zipmap that breaks off", 9, string(Buffer.of(1, 5, 0x61))],
  ["an intset of another length than it says", 11, string(intset(2, [1, 2]).subarray(0, -1))],
  ["an intset of an unknown width", 11, string(Buffer.concat([Buffer.of(3, 0, 0, 0, 0, 0, 0, 0)]))],
  ["a hash with a field without value", 16, string(listpack(["f"]))],
  ["a list in an unknown container", 18, Buffer.concat([length(1), length(3), string("x")])],
  ["a score that is not a number", 3, Buffer.concat([length(1), string("a"), Buffer.of(253)])],
  ["a compressed string that is too short", 0, Buffer.concat([Buffer.of(0xc3), length(2), length(9), Buffer.from("\x00a", "latin1")])],
  [
    "a compressed string that reaches back too far",
    0,
    Buffer.concat([Buffer.of(0xc3), length(4), length(4), Buffer.from("\x00a\x20\x05", "latin1")]),
  ],
  [
    "a compressed string that promises the impossible",
    0,
    Buffer.concat([Buffer.of(0xc3), length(2), length(2 ** 31), Buffer.from("\x00a", "latin1")]),
  ],
  ["a stream's node without identifier", 15, Buffer.concat([length(1), string("x"), string(listpack([0, 0, 0, 0]))])],
  ["a stream's node that breaks off", 15, Buffer.concat([length(1), string(streamId(1, 1)), string(listpack([5, 0, 0, 0]))])],
  [
    "a consumer with an entry that its group does not know",
    15,
    Buffer.concat([
      length(0),
      length(0),
      length(0),
      length(0),
      length(1),
      string("g"),
      length(0),
      length(0),
      length(0),
      length(1),
      string("c"),
      int64(0),
      length(1),
      streamId(9, 9),
    ]),
  ],
])("%s is refused as damaged", (_what, type, value) => {
  expect(() => takeApart(type, [value])).toThrow(expect.objectContaining({ exitCode: 3 }));
});

test("scores keep every bit", () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true }), (score) => {
      const [text = ""] = takeApart(5, [Buffer.concat([length(1), string("m"), double(score)])]);

      const back = Number(text.slice(2).replace("inf", "Infinity"));
      expect(Object.is(back, score)).toBe(true);
    }),
  );
});

function takeApart(type: number, pieces: readonly Buffer[], isValkey = false): string[] {
  const input = new RdbInput(Buffer.alloc(65_536));
  const elements = elementsOf(input, type, isValkey);
  const seen: string[] = [];
  for (const piece of pieces) {
    for (let at = 0; at < piece.length; ) {
      input.keep = input.position;
      at += input.fill(piece, at).taken;
      for (let step = elements.next(); !step.done && step.value !== NEED; step = elements.next()) seen.push(textOf(step.value));
    }
  }
  expect(elements.next().done).toBe(true);
  expect(input.available).toBe(0);
  return seen;
}

function textOf(element: Element): string {
  switch (element.kind) {
    case "piece":
      return element.bytes.toString();
    case "item":
      return element.item.toString();
    case "member":
      return `${element.member}|${element.score}`;
    case "field":
      return `${element.field}|${element.value}|${element.expiresAtMs}`;
    case "entry":
      return ["entry", element.id, ...element.words].join("|");
    case "state":
      return ["state", element.lastId, ...(element.added ? [element.added.entriesAdded, element.added.maxDeletedId] : [])].join("|");
    case "group":
      return ["group", element.group, element.lastId, ...(element.entriesRead === undefined ? [] : [element.entriesRead])].join("|");
    case "consumer": {
      const pending = element.pending.map(({ id, deliveredAtMs, deliveries }) => `${id}:${deliveredAtMs}:${deliveries}`);
      return ["consumer", element.group, element.consumer, pending.join(",")].join("|");
    }
  }
}
