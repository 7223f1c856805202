// A raw RESP connection for filling and reading test servers: pipelined, with back-pressure, every error reply counted.
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { RespError, RespParser, type RespReply } from "./resp-parser.ts";

export interface RedisAddress {
  readonly host: string;
  readonly port: number;
  readonly password?: string | undefined;
}

export type RespArgument = string | number | Buffer;

interface Batch {
  readonly expected: number;
  readonly replies: RespReply[];
  readonly resolve: (replies: RespReply[]) => void;
  readonly reject: (error: Error) => void;
}

const CHUNK_BYTES = 256 * 1024;
/** Commands without a reply so far; more would only fill the server's output buffer. */
const MAX_OUTSTANDING = 20_000;

/** Connects and authenticates. */
export async function connectResp(address: RedisAddress): Promise<RespConnection> {
  const socket = connect({ host: address.host, port: address.port, noDelay: true });
  await once(socket, "connect");
  const connection = new RespConnection(socket);
  if (address.password !== undefined) await connection.call("AUTH", address.password);
  return connection;
}

export class RespConnection implements AsyncDisposable {
  readonly #socket: Socket;
  /** One entry for each command without a reply; null is a command sent by `send`. */
  readonly #waiting: (Batch | null)[] = [];
  #next = 0;
  #chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  #used = 0;
  #failure: Error | undefined;
  #firstError: RespError | undefined;
  #wake: (() => void) | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    const parser = new RespParser((reply) => this.#settle(reply));
    socket.on("data", (chunk: Buffer) => {
      parser.feed(chunk);
      this.#wake?.();
    });
    socket.on("drain", () => this.#wake?.());
    socket.on("error", (error) => this.#fail(error));
    socket.on("close", () => this.#fail(new Error("The server closed the connection")));
  }

  /** One command, one reply. @throws RespError when the server refuses */
  async call(...command: RespArgument[]): Promise<RespReply> {
    const [reply] = await this.batch([command]);
    if (reply instanceof RespError) throw new RespError(`${command[0]}: ${reply.message}`);
    return reply as RespReply;
  }

  /** Commands in one go; refusals stand among the replies as RespError values. */
  async batch(commands: readonly (readonly RespArgument[])[]): Promise<RespReply[]> {
    if (this.#failure !== undefined) throw this.#failure;
    if (commands.length === 0) return [];
    return new Promise((resolve, reject) => {
      const batch = { expected: commands.length, replies: [], resolve, reject };
      for (const command of commands) {
        this.#waiting.push(batch);
        this.#encode(command);
      }
      this.#flush();
    });
  }

  /** Queues a command whose reply only must not be an error; `settled` tells. A returned promise asks the caller to wait. */
  send(...command: RespArgument[]): Promise<void> | undefined {
    this.#waiting.push(null);
    this.#encode(command);
    return this.#isBusy() ? this.#relief() : undefined;
  }

  /** Resolves when every command sent was answered. @throws RespError the first refusal */
  async settled(): Promise<void> {
    this.#flush();
    while (this.#outstanding() > 0 && this.#failure === undefined) await this.#progress();
    this.#throwFailure();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.destroy();
    if (!this.#socket.closed) await once(this.#socket, "close");
  }

  #outstanding(): number {
    return this.#waiting.length - this.#next;
  }

  #isBusy(): boolean {
    return this.#socket.writableNeedDrain || this.#outstanding() > MAX_OUTSTANDING;
  }

  async #relief(): Promise<void> {
    this.#flush();
    while (this.#isBusy() && this.#failure === undefined) await this.#progress();
    this.#throwFailure();
  }

  #progress(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #throwFailure(): void {
    const error = this.#firstError ?? this.#failure;
    if (error !== undefined) throw error;
  }

  #settle(reply: RespReply): void {
    const waiter = this.#waiting[this.#next++];
    if (this.#next > 4096 && this.#next * 2 > this.#waiting.length) {
      this.#waiting.splice(0, this.#next);
      this.#next = 0;
    }
    if (waiter) {
      waiter.replies.push(reply);
      if (waiter.replies.length === waiter.expected) waiter.resolve(waiter.replies);
    } else if (reply instanceof RespError) this.#firstError ??= reply;
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const waiter of this.#waiting.splice(this.#next)) waiter?.reject(this.#failure);
    this.#wake?.();
  }

  #encode(command: readonly RespArgument[]): void {
    this.#writeText(`*${command.length}\r\n`);
    for (const part of command) {
      if (Buffer.isBuffer(part)) {
        this.#writeText(`$${part.length}\r\n`);
        this.#writeBytes(part);
        this.#writeText("\r\n");
      } else {
        const text = String(part);
        this.#writeText(`$${Buffer.byteLength(text)}\r\n${text}\r\n`);
      }
    }
  }

  #writeText(text: string): void {
    if (text.length * 3 > CHUNK_BYTES) {
      this.#writeBytes(Buffer.from(text));
      return;
    }
    if (this.#used + text.length * 3 > CHUNK_BYTES) this.#flush();
    this.#used += this.#chunk.write(text, this.#used);
  }

  #writeBytes(bytes: Buffer): void {
    if (this.#used + bytes.length > CHUNK_BYTES) this.#flush();
    if (bytes.length > CHUNK_BYTES) this.#socket.write(bytes);
    else this.#used += bytes.copy(this.#chunk, this.#used);
  }

  #flush(): void {
    if (this.#used === 0 || this.#failure !== undefined) return;
    this.#socket.write(this.#chunk.subarray(0, this.#used));
    this.#chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    this.#used = 0;
  }
}
