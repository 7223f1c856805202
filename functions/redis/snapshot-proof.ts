import { IncompleteError } from "../../runner/errors.ts";
import { Crc64 } from "./crc64.ts";

export interface ProvenSnapshot {
  readonly bytes: number;
  /** 16 hex digits; undefined when the server wrote no checksum (rdbchecksum no). */
  readonly crc64: string | undefined;
}

/** End-of-file opcode and checksum. */
const TRAILER_BYTES = 9;
const OPCODE_EOF = 0xff;
/** Header, end-of-file opcode, checksum. */
const SMALLEST_RDB_BYTES = 18;

/** Watches an RDB pass by and says at its end whether it was all of it. */
export class SnapshotProof {
  bytes = 0;
  readonly #crc = new Crc64();
  #tail = Buffer.alloc(0);

  take(piece: Buffer): void {
    this.bytes += piece.length;
    this.#crc.update(piece);
    const tail = piece.length >= TRAILER_BYTES ? piece : Buffer.concat([this.#tail, piece]);
    this.#tail = Buffer.from(tail.subarray(-TRAILER_BYTES));
  }

  /**
   * Concludes that the RDB ends as one must and that its checksum is right.
   * @throws IncompleteError
   */
  conclude(options: { allowUnchecked: boolean }): ProvenSnapshot {
    if (this.bytes < SMALLEST_RDB_BYTES) throw new IncompleteError(`The server sent ${this.bytes} bytes, which cannot be an RDB`);
    if (this.#tail[0] !== OPCODE_EOF)
      throw new IncompleteError(`The RDB of ${this.bytes} bytes does not end with its end-of-file mark: it was cut or changed on the way`);
    const stored = this.#tail.readBigUInt64LE(1);
    // Summed together with its own checksum, a whole RDB leaves nothing.
    if (this.#crc.value() === 0n) return { bytes: this.bytes, crc64: stored.toString(16).padStart(16, "0") };
    if (stored !== 0n)
      throw new IncompleteError(`The checksum of the RDB of ${this.bytes} bytes is wrong: a byte was changed on the way`, {
        reason: "ChecksumMismatch",
      });
    if (!options.allowUnchecked) throw uncheckedSnapshot();
    return { bytes: this.bytes, crc64: undefined };
  }
}

/** The failure for a server that writes its snapshots without a checksum. */
export function uncheckedSnapshot(): IncompleteError {
  return new IncompleteError("The server writes RDB files without a checksum (rdbchecksum no), so nothing proves that this one is whole", {
    reason: "UncheckedSnapshot",
    hint: "Set rdbchecksum yes and restart the server, or accept unproven backups with --allow-unchecked",
  });
}
