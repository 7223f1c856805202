// RESP 2 as the tests read it: bulk strings stay bytes, and a value that arrives in many pieces is put together once.

export type RespReply = Buffer | string | number | null | RespError | RespReply[];

/** What the server answered with "-": a value in a pipeline, thrown by a single call. */
export class RespError extends Error {
  override readonly name = "RespError";
}

interface OpenArray {
  readonly items: RespReply[];
  remaining: number;
}

const NEWLINE = 10;

/** Turns chunks of any size into replies, in order. Status replies are strings, bulk strings are Buffers. */
export class RespParser {
  readonly #onReply: (reply: RespReply) => void;
  readonly #open: OpenArray[] = [];
  #chunks: Buffer[] = [];
  #held = 0;
  /** Bytes that must be there before parsing on makes sense. */
  #needed = 1;

  constructor(onReply: (reply: RespReply) => void) {
    this.#onReply = onReply;
  }

  feed(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#held += chunk.length;
    if (this.#held < this.#needed) return;
    const bytes = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks);
    const rest = bytes.subarray(this.#parse(bytes));
    this.#chunks = rest.length > 0 ? [rest] : [];
    this.#held = rest.length;
  }

  /** Returns how many bytes were used up. */
  #parse(bytes: Buffer): number {
    let position = 0;
    for (;;) {
      const end = bytes.indexOf(NEWLINE, position);
      this.#needed = bytes.length - position + 1;
      if (end === -1) return position;
      const body = end + 1;
      const kind = bytes[position];
      const line = bytes.toString("latin1", position + 1, end - 1);
      if (kind === 0x24 && line !== "-1") {
        const length = Number(line);
        if (bytes.length < body + length + 2) {
          this.#needed = body + length + 2 - position;
          return position;
        }
        this.#accept(bytes.subarray(body, body + length));
        position = body + length + 2;
      } else {
        this.#acceptLine(kind, line);
        position = body;
      }
    }
  }

  #acceptLine(kind: number | undefined, line: string): void {
    if (kind === 0x2b) this.#accept(line);
    else if (kind === 0x3a) this.#accept(Number(line));
    else if (kind === 0x2d) this.#accept(new RespError(line));
    else if (kind === 0x24) this.#accept(null);
    else if (kind === 0x2a && line === "-1") this.#accept(null);
    else if (kind === 0x2a && line === "0") this.#accept([]);
    else if (kind === 0x2a) this.#open.push({ items: [], remaining: Number(line) });
    else throw new Error(`Cannot read a reply that starts with byte ${kind}: not RESP 2`);
  }

  #accept(value: RespReply): void {
    let complete = value;
    for (;;) {
      const parent = this.#open.at(-1);
      if (parent === undefined) {
        this.#onReply(complete);
        return;
      }
      parent.items.push(complete);
      parent.remaining -= 1;
      if (parent.remaining > 0) return;
      this.#open.pop();
      complete = parent.items;
    }
  }
}
