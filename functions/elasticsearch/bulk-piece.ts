/** What is left to be sent of one bulk body: pairs of an action line and a source line. */
export interface BulkPiece {
  readonly bytes: Uint8Array;
  /** Documents. */
  readonly count: number;
  /** Where each document begins, and the end. */
  readonly offsets: Uint32Array;
}

/** Two pieces that hold the documents together; views. */
export function halve(piece: BulkPiece): readonly [BulkPiece, BulkPiece] {
  const { offsets, count, bytes } = piece;
  // By bytes rather than by documents: one of them may be most of the body.
  const middle = Math.min(
    count - 1,
    Math.max(
      1,
      offsets.findIndex((offset) => offset >= bytes.length / 2),
    ),
  );
  return [range(piece, 0, middle), range(piece, middle, count)];
}

/** The piece of these documents alone, in ascending order. It is moved together in place: the piece itself is gone. */
export function keepOnly({ bytes, offsets }: BulkPiece, documents: readonly number[]): BulkPiece {
  const kept = new Uint32Array(documents.length + 1);
  let end = 0;
  for (const [place, document] of documents.entries()) {
    const start = offsets[document]!;
    const next = offsets[document + 1]!;
    bytes.copyWithin(end, start, next);
    end += next - start;
    kept[place + 1] = end;
  }
  return { bytes: bytes.subarray(0, end), count: documents.length, offsets: kept };
}

/** The action and the source of one document; a view. */
export function documentOf({ bytes, offsets }: BulkPiece, document: number): Uint8Array {
  return bytes.subarray(offsets[document], offsets[document + 1]);
}

/** Undefined when the action names none; the whole action as text when it is not JSON. */
export function idOf(piece: BulkPiece, document: number): string | undefined {
  const lines = Buffer.from(piece.bytes.buffer, piece.bytes.byteOffset + piece.offsets[document]!, documentOf(piece, document).length);
  const action = lines.toString("utf8", 0, lines.indexOf(0x0a));
  try {
    const fields = JSON.parse(action) as Record<string, { readonly _id?: string }>;
    return (fields.index ?? fields.create)?._id;
  } catch {
    // Who asks for an id is about to report a failure: a broken escape in it must not hide that.
    return action;
  }
}

function range({ bytes, offsets }: BulkPiece, from: number, to: number): BulkPiece {
  const start = offsets[from]!;
  return {
    bytes: bytes.subarray(start, offsets[to]),
    count: to - from,
    offsets: offsets.slice(from, to + 1).map((offset) => offset - start),
  };
}
