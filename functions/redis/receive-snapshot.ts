import type { Socket } from "node:net";
import { DatabaseUnavailableError, IncompleteError, StoreUnavailableError } from "../../runner/errors.ts";
import { translateRedisError } from "./redis-error.ts";
import type { AnnouncedSnapshot } from "./request-snapshot.ts";
import { createFrameCutter, type FrameCutter } from "./snapshot-framing.ts";

export interface ReceiveOptions {
  readonly description: string;
  /** Ends the transfer at any time, also when all has come and the store has not taken it yet. */
  readonly signal: AbortSignal;
  /** Takes the pieces of the RDB in order; a pending promise is a stalled store. The memory of a piece is given back once it settled. */
  readonly write: (piece: Buffer) => Promise<void>;
  /** Sees each piece as it arrives, before the store does. */
  readonly onPiece: (piece: Buffer) => void;
  /** Longest silence of the server. */
  readonly idleTimeoutMs: number;
  /** The server's repl-timeout. While the store stalls, `dripBytes` are read well within it, so that the server sees its replica alive. */
  readonly replTimeoutMs: number;
  /** Measured on 7.0.15: less than 1.3 MB in a timeout is not seen, because kernels open a full window in large steps; 2 MB is. */
  readonly dripBytes?: number;
  /** Reading pauses here and goes on at half of it. */
  readonly comfortBytes?: number;
  /** What may be held in memory before the store is called too slow. */
  readonly capacityBytes?: number;
}

const MIB = 1024 * 1024;

/**
 * Moves one announced snapshot from the link into `write`. Resolves when its end was seen and every byte was written; whether the bytes are a
 * whole RDB is for the caller to prove. The link is not ended.
 * @throws DatabaseUnavailableError, StoreUnavailableError, IncompleteError, what `write` throws, or what ended the link
 */
export async function receiveSnapshot(link: Socket, snapshot: AnnouncedSnapshot, options: ReceiveOptions): Promise<void> {
  const transfer = new Transfer(link, snapshot, options);
  try {
    await transfer.run();
  } finally {
    transfer.stop();
  }
}

class Transfer {
  readonly #link: Socket;
  readonly #options: Required<ReceiveOptions>;
  readonly #cutter: FrameCutter;
  readonly #mayBeFollowed: boolean;
  readonly #dripIntervalMs: number;
  readonly #queue: Buffer[] = [];
  readonly #failure = Promise.withResolvers<never>();
  #wake = Promise.withResolvers<void>();
  #received = 0;
  #queued = 0;
  /** Reading goes on until this much is queued. */
  #limit: number;
  #isPaused = false;
  #lastByteAt = performance.now();
  #ticker: NodeJS.Timeout | undefined;

  constructor(link: Socket, snapshot: AnnouncedSnapshot, options: ReceiveOptions) {
    this.#link = link;
    this.#options = { dripBytes: 3 * MIB, comfortBytes: 8 * MIB, capacityBytes: 32 * MIB, ...options };
    this.#limit = this.#options.comfortBytes;
    this.#dripIntervalMs = options.replTimeoutMs * 0.4;
    this.#cutter = createFrameCutter(snapshot.framing);
    // Without rdb-only and without waiting for our acknowledgement, the server goes on with commands.
    this.#mayBeFollowed = !snapshot.rdbOnly && snapshot.framing.kind === "length";
  }

  async run(): Promise<void> {
    const { idleTimeoutMs, signal } = this.#options;
    signal.addEventListener("abort", this.#onAbort);
    this.#link.on("data", this.#onData).on("end", this.#onEnd).on("close", this.#onEnd);
    this.#ticker = setInterval(this.#onTick, Math.max(10, Math.min(1_000, idleTimeoutMs / 4, this.#dripIntervalMs / 4)));
    if (signal.aborted) this.#onAbort();
    else if (this.#link.destroyed) this.#onEnd();
    else this.#link.resume();
    const written = this.#writeAll();
    // Whoever loses the race must not end the process.
    written.catch(() => {});
    this.#failure.promise.catch(() => {});
    await Promise.race([written, this.#failure.promise]);
  }

  stop(): void {
    clearInterval(this.#ticker);
    this.#options.signal.removeEventListener("abort", this.#onAbort);
    this.#link.off("data", this.#onData).off("end", this.#onEnd).off("close", this.#onEnd);
    this.#queue.length = 0;
  }

  async #writeAll(): Promise<void> {
    for (;;) {
      const piece = this.#queue.shift();
      if (piece === undefined) {
        if (this.#cutter.isComplete) return this.#assertAllWritten();
        await this.#wake.promise;
        this.#wake = Promise.withResolvers();
        continue;
      }
      const { length } = piece;
      await this.#options.write(piece);
      giveBack(piece);
      this.#queued -= length;
      if (this.#isPaused && this.#queued <= this.#options.comfortBytes / 2) this.#read(this.#options.comfortBytes);
    }
  }

  #assertAllWritten(): void {
    if (this.#queued !== 0) throw new IncompleteError(`${this.#queued} bytes of the snapshot were received and not written`);
  }

  readonly #onData = (bytes: Buffer): void => {
    this.#lastByteAt = performance.now();
    for (const piece of this.#cutter.take(bytes)) {
      this.#received += piece.length;
      this.#queued += piece.length;
      this.#queue.push(piece);
      this.#options.onPiece(piece);
    }
    if (this.#cutter.isComplete) this.#complete();
    else if (this.#queued >= this.#limit) this.#pause();
    this.#wake.resolve();
  };

  #complete(): void {
    this.#pause();
    const { rest } = this.#cutter;
    const isQuiet = rest.every((byte) => byte === 0x0a);
    if (!isQuiet && !(this.#mayBeFollowed && rest[0] === 0x2a))
      this.#fail(
        new IncompleteError(`The server at ${this.#options.description} went on after the end of its snapshot`, { reason: "NotAnRdb" }),
      );
  }

  readonly #onAbort = (): void => this.#fail(this.#options.signal.reason);

  readonly #onEnd = (): void => {
    if (this.#cutter.isComplete) return;
    const { description } = this.#options;
    const cause = this.#link.errored ?? undefined;
    const because = cause === undefined ? "" : ` (${translateRedisError(cause, "read", description).message})`;
    const message = `The connection to ${description} ended after ${this.#received} bytes of its snapshot, before its end${because}`;
    const hint = "See the server's log: it may have been restarted, or have disconnected its replica";
    this.#fail(new DatabaseUnavailableError(message, { cause, hint }));
  };

  readonly #onTick = (): void => {
    if (this.#cutter.isComplete) return;
    const { idleTimeoutMs, description } = this.#options;
    const silentMs = performance.now() - this.#lastByteAt;
    if (!this.#isPaused) {
      if (silentMs > idleTimeoutMs)
        this.#fail(
          new DatabaseUnavailableError(
            `The server at ${description} went silent for ${seconds(silentMs)} s after ${this.#received} bytes of its snapshot`,
          ),
        );
      return;
    }
    if (silentMs > this.#dripIntervalMs) this.#drip();
  };

  #drip(): void {
    const limit = this.#queued + this.#options.dripBytes;
    if (limit <= this.#options.capacityBytes) this.#read(limit);
    else
      this.#fail(
        new StoreUnavailableError(
          `The store is too slow: ${this.#queued} bytes wait for it in memory, and the server would soon disconnect a replica that does not read`,
          { reason: "StoreTooSlow", hint: "A larger repl-timeout on the server gives the store more time" },
        ),
      );
  }

  #read(limit: number): void {
    this.#limit = limit;
    this.#isPaused = false;
    this.#link.resume();
  }

  #pause(): void {
    this.#isPaused = true;
    this.#link.pause();
  }

  #fail(error: unknown): void {
    this.#failure.reject(error);
    this.#link.destroy();
  }
}

/** Left to the garbage collector, what sockets read takes 40 MB more. A piece that fills its memory shares it with nobody. */
function giveBack({ buffer, length }: Buffer): void {
  if (buffer.byteLength === length && buffer instanceof ArrayBuffer) buffer.transfer(0);
}

function seconds(milliseconds: number): string {
  return (milliseconds / 1000).toFixed(1);
}
