import type { RdbWalker } from "./rdb-walker.ts";
import { REGION_BYTES, type RespLink } from "./resp-link.ts";

/** Type in front of the value; version and checksum behind it. */
const PAYLOAD_OVERHEAD = 1 + 2 + 8;
/** Words and numbers of a RESTORE. */
const FRAME_OVERHEAD = 256;

/** Writes the records that a walker meets as RESTORE commands, with payloads made and summed where they are sent from. */
export class RestoreWriter {
  readonly #link: RespLink;
  readonly #replaces: boolean;
  #longKey: Buffer = Buffer.alloc(0);
  #owedBytes = 0;

  constructor(link: RespLink, options: { readonly replaces: boolean }) {
    this.#link = link;
    this.#replaces = options.replaces;
  }

  /** Sends a whole record when that needs no waiting and its frame is short; answers whether it did. */
  tryRestore(walker: RdbWalker): boolean {
    const link = this.#link;
    const keyLength = walker.longKey === undefined ? walker.keyEnd - walker.keyStart : walker.longKey.length;
    const valueLength = walker.valueEnd - walker.valueStart;
    if (!link.hasRoom(keyLength + valueLength + FRAME_OVERHEAD)) return false;
    const { bytes, exports } = link;
    const inputStart = link.input.byteOffset;
    let at = putText(bytes, link.at, HEADS[this.#words(walker)]!);
    at = putText(bytes, putNumber(bytes, at, keyLength), LINE_END);
    const keyAt = at;
    if (walker.longKey === undefined) exports.copy(at, inputStart + walker.keyStart, keyLength);
    else bytes.set(walker.longKey, at);
    at = putText(bytes, at + keyLength, LINE_AND_LENGTH);
    at = putText(bytes, putNumber(bytes, at, digitsOf(walker.expiresAtMs)), LINE_END);
    at = putText(bytes, putNumber(bytes, at, walker.expiresAtMs), LINE_AND_LENGTH);
    at = putText(bytes, putNumber(bytes, at, valueLength + PAYLOAD_OVERHEAD), LINE_END);
    at = exports.payload(at, walker.type, inputStart + walker.valueStart, valueLength, walker.header.version);
    link.at = this.#putOptions(at, walker);
    link.oweAt(keyAt, keyLength, walker.expiresAtMs);
    return true;
  }

  /** Sends a whole record, waiting for room as long as it takes. */
  async restore(walker: RdbWalker): Promise<void> {
    const keyLength = walker.longKey === undefined ? walker.keyEnd - walker.keyStart : walker.longKey.length;
    const valueLength = walker.valueEnd - walker.valueStart;
    if (keyLength + valueLength + FRAME_OVERHEAD <= REGION_BYTES) {
      await this.#link.makeRoom(keyLength + valueLength + FRAME_OVERHEAD);
      this.tryRestore(walker);
      return;
    }
    await this.begin(walker, valueLength);
    await this.feed(walker.buffer.subarray(walker.valueStart, walker.valueEnd));
    await this.end(walker);
  }

  /** Starts a RESTORE whose value, of exactly `valueBytes`, comes by `feed`, then `end`; nothing else may be sent in between. */
  async begin(walker: RdbWalker, valueBytes: number): Promise<void> {
    const link = this.#link;
    const key = walker.key();
    const expiry = String(walker.expiresAtMs);
    await link.put(Buffer.concat([HEADS[this.#words(walker)]!, Buffer.from(`${key.length}\r\n`)]));
    await link.put(key);
    await link.put(Buffer.from(`\r\n$${expiry.length}\r\n${expiry}\r\n$${valueBytes + PAYLOAD_OVERHEAD}\r\n`));
    this.#longKey = key;
    this.#owedBytes = valueBytes;
    link.exports.begin();
    await this.#putSummed(Buffer.of(walker.type));
  }

  async feed(value: Uint8Array): Promise<void> {
    this.#owedBytes -= value.length;
    await this.#putSummed(value);
  }

  async #putSummed(value: Uint8Array): Promise<void> {
    const { exports } = this.#link;
    await this.#link.put(value, (at, length) => exports.feed(at, length));
  }

  async end(walker: RdbWalker): Promise<void> {
    const link = this.#link;
    const { version } = walker.header;
    if (this.#owedBytes !== 0) throw new Error(`A value is ${this.#owedBytes} bytes shorter than announced`);
    await this.#putSummed(Buffer.of(version & 0xff, version >> 8));
    await link.makeRoom(FRAME_OVERHEAD);
    link.exports.store(link.at);
    link.at = this.#putOptions(link.at + 8, walker);
    link.owe(this.#longKey, walker.expiresAtMs);
  }

  #words(walker: RdbWalker): number {
    return 4 + (walker.expiresAtMs > 0 ? 1 : 0) + (this.#replaces ? 1 : 0) + (walker.frequency >= 0 || walker.idleSeconds >= 0 ? 2 : 0);
  }

  #putOptions(start: number, walker: RdbWalker): number {
    const { bytes } = this.#link;
    let at = putText(bytes, start, LINE_END);
    if (walker.expiresAtMs > 0) at = putText(bytes, at, ABSOLUTE);
    if (this.#replaces) at = putText(bytes, at, REPLACE);
    if (walker.frequency >= 0) at = putWord(bytes, putText(bytes, at, FREQUENCY), walker.frequency);
    else if (walker.idleSeconds >= 0) at = putWord(bytes, putText(bytes, at, IDLE_TIME), walker.idleSeconds);
    return at;
  }
}

const HEADS = Array.from({ length: 9 }, (_, words) => Buffer.from(`*${words}\r\n$7\r\nRESTORE\r\n$`));
const LINE_END = Buffer.from("\r\n");
const LINE_AND_LENGTH = Buffer.from("\r\n$");
const ABSOLUTE = Buffer.from("$6\r\nABSTTL\r\n");
const REPLACE = Buffer.from("$7\r\nREPLACE\r\n");
const FREQUENCY = Buffer.from("$4\r\nFREQ\r\n$");
const IDLE_TIME = Buffer.from("$8\r\nIDLETIME\r\n$");

/** A loop: at these lengths it is faster than a call that copies. */
function putText(bytes: Buffer, at: number, text: Buffer): number {
  for (let index = 0; index < text.length; index += 1) bytes[at + index] = text[index]!;
  return at + text.length;
}

function putWord(bytes: Buffer, at: number, value: number): number {
  return putText(bytes, putNumber(bytes, putText(bytes, putNumber(bytes, at, digitsOf(value)), LINE_END), value), LINE_END);
}

/** Decimal digits; values up to 2^53, which are beyond what bit operations take. */
function putNumber(bytes: Buffer, at: number, value: number): number {
  const end = at + digitsOf(value);
  let rest = value;
  for (let index = end - 1; index >= at; index -= 1) {
    const tenth = Math.floor(rest / 10);
    bytes[index] = 0x30 + (rest - tenth * 10);
    rest = tenth;
  }
  return end;
}

function digitsOf(value: number): number {
  let digits = 1;
  for (let bound = 10; value >= bound; bound *= 10) digits += 1;
  return digits;
}
