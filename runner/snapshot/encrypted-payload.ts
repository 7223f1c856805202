// The payload of an age v1 file: https://age-encryption.org/v1, "Payload". Ours, because the library's is ten times slower.
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";
import { giveBack } from "./give-back.ts";

const CHUNK_BYTES = 64 * 1024;
const TAG_BYTES = 16;
const NONCE_BYTES = 16;
const SEALED_BYTES = CHUNK_BYTES + TAG_BYTES;
/** As many are yielded together. */
const GATHERED_CHUNKS = 16;
const ALGORITHM = "chacha20-poly1305";

/**
 * Encrypts the pieces in order. Both sides may use their memory again: a piece is not looked at once the next one is asked for, and what is
 * yielded holds only until then.
 */
export async function* encryptPayload(
  fileKey: Uint8Array,
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Buffer> {
  const nonce = randomBytes(NONCE_BYTES);
  const sealer = new Sealer(payloadKey(fileKey, nonce));
  yield nonce;
  const waiting = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  let waitingBytes = 0;
  for await (const piece of pieces) {
    let offset = 0;
    // Only when more follows is a full chunk known not to be the last one.
    while (waitingBytes + piece.length - offset > CHUNK_BYTES) {
      const end = offset + CHUNK_BYTES - waitingBytes;
      sealer.seal([waiting.subarray(0, waitingBytes), piece.subarray(offset, end)], { isLast: false });
      if (sealer.isFull) yield sealer.take();
      offset = end;
      waitingBytes = 0;
    }
    waiting.set(piece.subarray(offset), waitingBytes);
    waitingBytes += piece.length - offset;
  }
  sealer.seal([waiting.subarray(0, waitingBytes)], { isLast: true });
  yield sealer.take();
}

/**
 * Decrypts a payload, nonce included. Yields only authenticated bytes, in chunks of 64 KiB, and fails at the end, at the latest, when the
 * payload was cut, also exactly between two chunks.
 */
export async function* decryptPayload(fileKey: Uint8Array, pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  const blocks = new Blocks();
  let key: Buffer | undefined;
  let counter = 0;
  for await (const piece of pieces) {
    blocks.push(piece);
    if (key === undefined) {
      const nonce = blocks.take(NONCE_BYTES);
      if (nonce === undefined) continue;
      key = payloadKey(fileKey, nonce);
    }
    // One byte more than a block proves that this block is not the last.
    while (blocks.length > SEALED_BYTES) {
      yield open(key, chunkNonce(counter++, false), blocks.take(SEALED_BYTES) as Buffer);
    }
  }
  const last = blocks.take(blocks.length) as Buffer;
  if (key === undefined || last.length < TAG_BYTES) throw new Error("Encrypted file is cut off");
  if (last.length === TAG_BYTES && counter > 0) throw new Error("Encrypted file ends with an empty chunk");
  const bytes = open(key, chunkNonce(counter, true), last);
  if (bytes.length > 0) yield bytes;
}

/** Gathers sealed chunks: one at a time costs a trip to the store for every 64 KiB, and leaves each of them to the garbage collector. */
class Sealer {
  readonly #key: Buffer;
  readonly #sealed = Buffer.allocUnsafeSlow(GATHERED_CHUNKS * SEALED_BYTES);
  #length = 0;
  #counter = 0;

  constructor(key: Buffer) {
    this.#key = key;
  }

  get isFull(): boolean {
    return this.#length === this.#sealed.length;
  }

  seal(parts: readonly Uint8Array[], { isLast }: { isLast: boolean }): void {
    const cipher = createCipheriv(ALGORITHM, this.#key, chunkNonce(this.#counter++, isLast), { authTagLength: TAG_BYTES });
    for (const part of parts) {
      if (part.length === 0) continue;
      const bytes = cipher.update(part);
      this.#append(bytes);
      giveBack(bytes);
    }
    cipher.final();
    this.#append(cipher.getAuthTag());
  }

  /** What was sealed since; the memory is used again by the next chunk. */
  take(): Buffer {
    const sealed = this.#sealed.subarray(0, this.#length);
    this.#length = 0;
    return sealed;
  }

  #append(bytes: Buffer): void {
    this.#sealed.set(bytes, this.#length);
    this.#length += bytes.length;
  }
}

function open(key: Buffer, nonce: Buffer, sealed: Buffer): Buffer {
  const decipher = createDecipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
  const bytes = decipher.update(sealed.subarray(0, sealed.length - TAG_BYTES));
  try {
    decipher.final();
  } catch (error) {
    throw new Error("Encrypted file is damaged or cut off", { cause: error });
  }
  return bytes;
}

function payloadKey(fileKey: Uint8Array, nonce: Uint8Array): Buffer {
  return Buffer.from(hkdfSync("sha256", fileKey, nonce, "payload", 32));
}

function chunkNonce(counter: number, isLast: boolean): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeUIntBE(counter, 5, 6);
  nonce[11] = isLast ? 1 : 0;
  return nonce;
}

/** Cuts arriving pieces into blocks; copies only a block that lies across two pieces. */
class Blocks {
  #pieces: Buffer[] = [];
  length = 0;

  push(piece: Uint8Array): void {
    this.#pieces.push(Buffer.from(piece.buffer, piece.byteOffset, piece.length));
    this.length += piece.length;
  }

  /** Undefined when there are not enough bytes yet. */
  take(bytes: number): Buffer | undefined {
    if (this.length < bytes) return undefined;
    this.length -= bytes;
    const parts: Buffer[] = [];
    for (let missing = bytes; missing > 0; ) {
      const piece = this.#pieces[0] as Buffer;
      const part = piece.subarray(0, missing);
      parts.push(part);
      missing -= part.length;
      if (part.length === piece.length) this.#pieces.shift();
      else this.#pieces[0] = piece.subarray(part.length);
    }
    return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
  }
}
