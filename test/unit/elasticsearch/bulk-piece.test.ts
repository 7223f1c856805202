import * as fc from "fast-check";
import { type BulkPiece, documentOf, halve, idOf, keepOnly } from "../../../functions/elasticsearch/bulk-piece.ts";

/** Documents with sources of these lengths. */
function pieceOf(lengths: readonly number[]): BulkPiece {
  const documents = lengths.map((length, n) => `{"index":{"_id":"${n}"}}\n${"x".repeat(length)}\n`);
  const offsets = new Uint32Array(documents.length + 1);
  for (const [n, document] of documents.entries()) offsets[n + 1] = offsets[n]! + document.length;
  // Not at the beginning of its memory, as a body in a larger one.
  return { bytes: Buffer.from(`front${documents.join("")}back`).subarray(5, 5 + offsets.at(-1)!), count: documents.length, offsets };
}

function documentsOf(piece: BulkPiece): string[] {
  return Array.from({ length: piece.count }, (_, n) => Buffer.from(documentOf(piece, n)).toString());
}

const lengths = fc.array(fc.nat({ max: 300 }), { minLength: 2, maxLength: 40 });

test("two halves hold the documents together, none of them nothing", () => {
  fc.assert(
    fc.property(lengths, (sizes) => {
      const piece = pieceOf(sizes);

      const [first, second] = halve(piece);

      expect([...documentsOf(first), ...documentsOf(second)]).toEqual(documentsOf(piece));
      expect(Math.min(first.count, second.count)).toBeGreaterThan(0);
      expect(Buffer.concat([first.bytes, second.bytes])).toEqual(Buffer.from(piece.bytes));
    }),
  );
});

test("one huge document stands alone after a few halvings", () => {
  const [first, second] = halve(pieceOf([10, 10, 5000, 10]));

  expect([first.count, second.count]).toEqual([3, 1]);
  expect(halve(first).map(({ count }) => count)).toEqual([2, 1]);
});

test("what is kept is moved together, also of what was kept before", () => {
  fc.assert(
    fc.property(lengths, fc.infiniteStream(fc.boolean()), (sizes, choices) => {
      const piece = pieceOf(sizes);
      const all = documentsOf(piece);
      const isChosen = all.map(() => choices.next().value as boolean);
      const kept = all
        .keys()
        .filter((n) => isChosen[n])
        .toArray();

      const once = keepOnly(piece, kept);
      const expected = kept.map((n) => all[n]);
      expect(documentsOf(once)).toEqual(expected);
      expect(Buffer.from(once.bytes).toString()).toBe(expected.join(""));
      const twice = keepOnly(
        once,
        kept
          .keys()
          .filter((n) => n % 2 === 1)
          .toArray(),
      );

      expect(documentsOf(twice)).toEqual(expected.filter((_, n) => n % 2 === 1));
    }),
  );
});

test("a document's id is read from its action, whatever its characters", () => {
  const document = '{"create":{"_id":"a\\"\\u00e9/ü\\\\","routing":"r"}}\n{}\n';
  const bytes = Buffer.from(`${document}{"index":{}}\n{"_id":"x"}\n`);
  const piece = { bytes, count: 2, offsets: new Uint32Array([0, Buffer.byteLength(document), bytes.length]) };

  expect([idOf(piece, 0), idOf(piece, 1)]).toEqual(['a"é/ü\\', undefined]);
});
