import fc from "fast-check";
import { createFrameCutter, type Framing, parseFraming } from "../../../functions/redis/snapshot-framing.ts";

const MARK = Buffer.from("abcabcabd0123456789abcabcabd0123456789ab");

test("both ways of announcing an end are understood, and nothing else is", () => {
  expect(parseFraming(`$EOF:${MARK}`)).toEqual({ kind: "mark", mark: MARK });
  expect(parseFraming("$18")).toEqual({ kind: "length", length: 18 });
  for (const line of ["", "$", "$-1", "$EOF:", `$EOF:${MARK}x`, "$12x", "*1", "+CONTINUE", "$9999999999999999"]) {
    expect(parseFraming(line)).toBeUndefined();
  }
});

test("the mark ends the data wherever reads are cut, also behind its own beginnings", () => {
  const byte = fc.constantFrom(..."abcd01");
  const beginning = fc.nat(MARK.length - 1).map((length) => MARK.toString("latin1", 0, length));
  const data = fc
    .array(
      fc.oneof(
        fc.array(byte, { maxLength: 60 }).map((bytes) => bytes.join("")),
        beginning,
      ),
    )
    .map((parts) => parts.join(""));
  fc.assert(
    fc.property(data, fc.array(fc.integer({ min: 1, max: 100 })), fc.nat(3), (text, cuts, newlines) => {
      fc.pre(!text.includes(MARK.toString()) && (text + MARK).indexOf(MARK.toString()) === text.length);

      const { data: cut, cutter } = feed({ kind: "mark", mark: MARK }, Buffer.from(`${text}${MARK}${"\n".repeat(newlines)}`), cuts);

      expect(cutter.isComplete).toBe(true);
      expect(cut.toString()).toBe(text);
    }),
    { numRuns: 2_000 },
  );
});

test("data without its mark never counts as complete, however much of the mark has come", () => {
  fc.assert(
    fc.property(fc.string(), fc.nat(MARK.length - 1), fc.array(fc.integer({ min: 1, max: 50 })), (text, length, cuts) => {
      const { cutter } = feed({ kind: "mark", mark: MARK }, Buffer.concat([Buffer.from(text), MARK.subarray(0, length)]), cuts);

      expect(cutter.isComplete).toBe(false);
    }),
  );
});

test("a length ends the data wherever reads are cut, and what follows is told apart", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 500 }), fc.array(fc.integer({ min: 1, max: 50 })), (bytes, cuts) => {
      const { data, cutter } = feed({ kind: "length", length: bytes.length }, Buffer.concat([bytes, Buffer.from("*1")]), cuts);

      expect(cutter.isComplete).toBe(true);
      expect(data.equals(bytes)).toBe(true);
    }),
  );
});

test("bytes behind the mark are handed out", () => {
  const cutter = createFrameCutter({ kind: "mark", mark: MARK });

  const data = cutter.take(Buffer.from(`data${MARK}\nmore`));

  expect(Buffer.concat(data).toString()).toBe("data");
  expect(cutter.rest.toString()).toBe("\nmore");
});

/** Takes the bytes in pieces of these sizes, then the rest in one, until the end was seen. */
function feed(framing: Framing, bytes: Buffer, cuts: readonly number[]) {
  const cutter = createFrameCutter(framing);
  const parts: Buffer[] = [];
  let at = 0;
  for (const size of [...cuts, bytes.length]) {
    if (cutter.isComplete || at >= bytes.length) break;
    // A copy: the pieces of a socket do not lie side by side.
    parts.push(...cutter.take(Buffer.from(bytes.subarray(at, at + size))));
    at += size;
  }
  return { cutter, data: Buffer.concat(parts) };
}
