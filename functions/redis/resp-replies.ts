import { RedisReplyError } from "./redis-error.ts";

/** What a server answers: a status or bulk string as bytes, a number, null, an error, or several of them. */
export type Reply = Buffer | number | null | RedisReplyError | readonly Reply[];

/** The one reply that matters for speed, always the same object. */
export const OK: Reply = Buffer.from("OK");

/** Parses replies (RESP 2) out of a stream of bytes cut anywhere, and hands each over in order. */
export class ReplyParser {
  readonly #onReply: (reply: Reply) => void;
  #rest: Buffer | undefined;
  /** Below this many bytes the reply at the start of `#rest` cannot be whole. */
  #needed = 0;

  constructor(onReply: (reply: Reply) => void) {
    this.#onReply = onReply;
  }

  /** @throws Error for what is no reply */
  push(chunk: Buffer): void {
    const bytes = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk]);
    this.#rest = undefined;
    if (bytes.length < this.#needed) {
      this.#rest = bytes;
      return;
    }
    this.#needed = 0;
    const cursor = { bytes, at: 0, needed: 0 };
    while (cursor.at < bytes.length) {
      if (isOk(bytes, cursor.at)) {
        cursor.at += 5;
        this.#onReply(OK);
        continue;
      }
      const start = cursor.at;
      const reply = parse(cursor);
      if (reply === undefined) {
        // Copied: a small rest must not keep a large chunk alive.
        this.#rest = Buffer.from(bytes.subarray(start));
        this.#needed = cursor.needed - start;
        return;
      }
      this.#onReply(reply);
    }
  }
}

interface Cursor {
  readonly bytes: Buffer;
  at: number;
  needed: number;
}

/** "+OK\r\n" */
function isOk(bytes: Buffer, at: number): boolean {
  return bytes[at] === 0x2b && bytes[at + 1] === 0x4f && bytes[at + 2] === 0x4b && bytes[at + 3] === 0x0d && bytes[at + 4] === 0x0a;
}

/** The reply at the cursor, or undefined while a part of it is missing. */
function parse(cursor: Cursor): Reply | undefined {
  const { bytes } = cursor;
  const end = bytes.indexOf("\r\n", cursor.at, "latin1");
  if (end < 0) return undefined;
  const kind = bytes[cursor.at];
  const line = bytes.subarray(cursor.at + 1, end);
  cursor.at = end + 2;
  if (kind === 0x2b) return Buffer.from(line);
  if (kind === 0x2d) return new RedisReplyError(line.toString("latin1"));
  const number = Number(line.toString("latin1"));
  if (!Number.isInteger(number)) throw new Error("a reply makes no sense: is this a Redis or Valkey port?");
  if (kind === 0x3a) return number;
  if (number < 0) return null;
  if (kind === 0x24) return parseBulk(cursor, number);
  if (kind !== 0x2a) throw new Error("a reply makes no sense: is this a Redis or Valkey port?");
  const items: Reply[] = [];
  for (let left = number; left > 0; left -= 1) {
    const item = parse(cursor);
    if (item === undefined) return undefined;
    items.push(item);
  }
  return items;
}

function parseBulk(cursor: Cursor, length: number): Buffer | undefined {
  const start = cursor.at;
  cursor.needed = start + length + 2;
  if (cursor.bytes.length < cursor.needed) return undefined;
  cursor.at = cursor.needed;
  return Buffer.from(cursor.bytes.subarray(start, start + length));
}
