// owed: a command whose reply has not come yet. region: a part of the link's memory that is filled, written to the socket, and used again when
// everything in it was answered, so that an error can still name its key.
import type { Socket } from "node:net";
import { type CrcFunctions, createCrcMemory } from "./crc64.ts";
import { RedisReplyError, translateRedisError } from "./redis-error.ts";
import { encodeArguments } from "./resp-command.ts";
import { OK, type Reply, ReplyParser } from "./resp-replies.ts";
import { refusalOf } from "./restore-refusal.ts";

/** Told of the reply to each command that was sent with its key noted, in order. */
export interface KeyListener {
  accepted(expiresAtMs: number): void;
  refused(reply: RedisReplyError, key: Buffer, expiresAtMs: number): void;
}

export interface LinkParts {
  readonly socket: Socket;
  readonly description: string;
  readonly signal: AbortSignal;
  readonly listener: KeyListener;
  /** Without any reply for so long while one is owed, or without taking what was sent, the server counts as gone. Default 5 minutes. */
  readonly silenceTimeoutMs?: number;
}

const INPUT_BYTES = 2 * 1024 * 1024;
export const REGION_BYTES = 512 * 1024;
const REGIONS = 8;
/** A power of two. */
const MAX_OWED = 65_536;
const SILENCE_TIMEOUT_MS = 300_000;

/**
 * A link on which commands go out without waiting for replies, within fixed memory. One user at a time: each method is to be awaited before the
 * next. When the link fails, every method rejects with DatabaseUnavailableError, or with the signal's reason.
 */
export class RespLink {
  /** Room beside the regions, for what commands are made from. */
  readonly input: Buffer;
  readonly bytes: Buffer;
  readonly exports: CrcFunctions;
  /** Where the next byte of the current region goes; whoever writes there moves it on. */
  at: number;
  readonly #parts: LinkParts;
  readonly #regionsStart: number;
  readonly #writes = new Int32Array(REGIONS);
  readonly #owedIn = new Int32Array(REGIONS);
  #region = 0;
  #written: number;
  /** Rings over the owed commands. A key length of -1 is a call; a key address of -1 is a key in `#longKeys`. */
  readonly #keyAt = new Int32Array(MAX_OWED);
  readonly #keyLength = new Int32Array(MAX_OWED);
  readonly #regionOf = new Uint8Array(MAX_OWED);
  readonly #expiresAt = new Float64Array(MAX_OWED);
  readonly #longKeys = new Map<number, Buffer>();
  readonly #calls: PromiseWithResolvers<Reply>[] = [];
  #sent = 0;
  #answered = 0;
  #failure: Error | undefined;
  #wake: () => void = () => undefined;
  #lastSign = performance.now();
  readonly #watch: NodeJS.Timeout;

  constructor(parts: LinkParts) {
    this.#parts = parts;
    const { bytes, start, exports } = createCrcMemory(INPUT_BYTES + REGIONS * REGION_BYTES);
    this.bytes = bytes;
    this.exports = exports;
    this.input = bytes.subarray(start, start + INPUT_BYTES);
    this.#regionsStart = start + INPUT_BYTES;
    this.at = this.#regionsStart;
    this.#written = this.at;
    const { socket, signal } = parts;
    const parser = new ReplyParser((reply) => this.#accept(reply));
    socket.on("data", (chunk: Buffer) => this.#receive(parser, chunk));
    socket.on("close", () => this.#fail(socket.errored ?? new Error("the server closed the connection")));
    signal.addEventListener("abort", this.#onAbort, { once: true });
    this.#watch = setInterval(() => this.#checkSilence(), 1_000);
    if (socket.destroyed) this.#fail(socket.errored ?? new Error("the server closed the connection"));
    if (signal.aborted) this.#onAbort();
  }

  /** Commands sent, and answered, so far. */
  get counts(): { readonly sent: number; readonly answered: number } {
    return { sent: this.#sent, answered: this.#answered };
  }

  /** Whether so many bytes and one more command can go without waiting. */
  hasRoom(bytes: number): boolean {
    return bytes <= this.#roomLeft() && this.#sent - this.#answered < MAX_OWED && this.#failure === undefined;
  }

  /** Resolves when so many bytes (up to REGION_BYTES) in one piece, and one more command, can go. */
  async makeRoom(bytes: number): Promise<void> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure;
      if (this.hasRoom(bytes)) return;
      if (bytes > this.#roomLeft()) {
        this.flush();
        if (this.#takeNextRegion()) continue;
      }
      this.flush();
      await this.#progress();
    }
  }

  /** Appends bytes, however many; `onCopied` is told where they came to lie. */
  async put(bytes: Uint8Array, onCopied?: (at: number, length: number) => void): Promise<void> {
    for (let from = 0; from < bytes.length; ) {
      if (!this.hasRoom(1)) await this.makeRoom(1);
      const length = Math.min(bytes.length - from, this.#roomLeft());
      this.bytes.set(bytes.subarray(from, from + length), this.at);
      onCopied?.(this.at, length);
      this.at += length;
      from += length;
    }
  }

  /** Notes that the bytes just written complete a command with a key that lies in this region, or a copy of it. */
  owe(key: { readonly at: number; readonly length: number } | Buffer, expiresAtMs: number): void {
    if (Buffer.isBuffer(key)) this.#longKeys.set(this.#sent, key);
    this.#note(Buffer.isBuffer(key) ? -1 : key.at, key.length, expiresAtMs);
  }

  /** As `owe`, for the hot path: no object is made. */
  oweAt(keyAt: number, keyLength: number, expiresAtMs: number): void {
    this.#note(keyAt, keyLength, expiresAtMs);
  }

  /** Sends a command behind everything before it and resolves with its reply, which may be an error reply. */
  async call(...words: readonly (string | number | Uint8Array)[]): Promise<Reply> {
    const reply = await this.send(words);
    this.flush();
    return reply.answer;
  }

  /** As `call`, but resolves as soon as the command has its place, so that several travel together; `flush` sends them. */
  async send(words: readonly (string | number | Uint8Array)[]): Promise<{ readonly answer: Promise<Reply> }> {
    await this.put(encodeArguments(words));
    await this.makeRoom(0);
    const waiting = Promise.withResolvers<Reply>();
    // Nobody may be listening yet when the link fails.
    waiting.promise.catch(() => undefined);
    this.#calls.push(waiting);
    this.#note(-1, -1, 0);
    return { answer: waiting.promise };
  }

  /** Hands everything so far to the socket. */
  flush(): void {
    if (this.at === this.#written || this.#failure !== undefined) return;
    const region = this.#region;
    if (!this.#isWaiting()) this.#lastSign = performance.now();
    this.#writes[region]! += 1;
    this.#parts.socket.write(this.bytes.subarray(this.#written, this.at), () => {
      this.#writes[region]! -= 1;
      this.#lastSign = performance.now();
      this.#wake();
    });
    this.#written = this.at;
  }

  /** Resolves when every command was answered. */
  async drain(): Promise<void> {
    this.flush();
    while (this.#sent > this.#answered && this.#failure === undefined) await this.#progress();
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Ends the link. May be called twice. */
  close(): void {
    this.#fail(new Error("the link was closed"));
    this.#parts.socket.destroy();
  }

  #roomLeft(): number {
    return this.#regionsStart + (this.#region + 1) * REGION_BYTES - this.at;
  }

  #takeNextRegion(): boolean {
    const next = (this.#region + 1) % REGIONS;
    if (this.#writes[next] !== 0 || this.#owedIn[next] !== 0) return false;
    this.#region = next;
    this.at = this.#regionsStart + next * REGION_BYTES;
    this.#written = this.at;
    return true;
  }

  #note(keyAt: number, keyLength: number, expiresAtMs: number): void {
    const slot = this.#sent & (MAX_OWED - 1);
    if (this.#sent === this.#answered) this.#lastSign = performance.now();
    this.#keyAt[slot] = keyAt;
    this.#keyLength[slot] = keyLength;
    this.#regionOf[slot] = this.#region;
    this.#expiresAt[slot] = expiresAtMs;
    this.#owedIn[this.#region]! += 1;
    this.#sent += 1;
  }

  #receive(parser: ReplyParser, chunk: Buffer): void {
    this.#lastSign = performance.now();
    try {
      parser.push(chunk);
    } catch (error) {
      this.#fail(error);
    }
    this.#wake();
  }

  #accept(reply: Reply): void {
    if (this.#failure !== undefined) return;
    if (this.#answered === this.#sent) {
      // A command that is refused before its end: "Protocol error: invalid bulk length".
      if (reply instanceof RedisReplyError) throw reply;
      throw new Error("the server answered something that nobody asked");
    }
    const slot = this.#answered & (MAX_OWED - 1);
    if (this.#keyLength[slot] === -1) this.#calls.shift()?.resolve(reply);
    else if (reply === OK) this.#parts.listener.accepted(this.#expiresAt[slot]!);
    else if (reply instanceof RedisReplyError) this.#parts.listener.refused(reply, this.#keyOf(slot), this.#expiresAt[slot]!);
    else throw new Error("the server answered RESTORE with something else than OK");
    if (this.#keyAt[slot] === -1) this.#longKeys.delete(this.#answered);
    this.#owedIn[this.#regionOf[slot]!]! -= 1;
    this.#answered += 1;
  }

  #keyOf(slot: number): Buffer {
    const at = this.#keyAt[slot]!;
    return this.#longKeys.get(this.#answered) ?? Buffer.from(this.bytes.subarray(at, at + this.#keyLength[slot]!));
  }

  #progress(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    return promise;
  }

  #checkSilence(): void {
    const limit = this.#parts.silenceTimeoutMs ?? SILENCE_TIMEOUT_MS;
    if (!this.#isWaiting() || performance.now() - this.#lastSign < limit) return;
    this.#fail(new Error(`no reply for ${Math.round(limit / 1000)} s`));
    this.#parts.socket.destroy();
  }

  /** For a reply, or for the server to read: in the middle of a long command nothing is owed. */
  #isWaiting(): boolean {
    return this.#sent > this.#answered || this.#writes.some((count) => count > 0);
  }

  readonly #onAbort = (): void => {
    const { signal, socket } = this.#parts;
    this.#fail(signal.reason);
    socket.destroy();
  };

  /** The first failure stays; everybody who waits is told. */
  #fail(error: unknown): void {
    if (this.#failure !== undefined) return;
    clearInterval(this.#watch);
    this.#parts.signal.removeEventListener("abort", this.#onAbort);
    const action = "go on restoring";
    const { description } = this.#parts;
    this.#failure =
      error instanceof RedisReplyError ? refusalOf(error, action, description) : translateRedisError(error, action, description);
    for (const call of this.#calls) call.reject(this.#failure);
    this.#calls.length = 0;
    this.#wake();
  }
}
