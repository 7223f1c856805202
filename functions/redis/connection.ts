import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls, TLSSocket } from "node:tls";
import { AbstractConnector, Redis } from "ioredis";
import type { Log } from "../../runner/function.ts";
import type { RedisEndpoint } from "./endpoint.ts";
import { RedisReplyError, translateRedisError } from "./redis-error.ts";
import { askForLine } from "./reply-line.ts";

export interface LinkOptions {
  /** Ends the link at any time; its reason is what a caller sees. */
  readonly signal: AbortSignal;
  /** Bound for name, TCP and TLS together, and for the reply to AUTH. Default 10 s. */
  readonly timeoutMs?: number;
  readonly log?: Log;
}

const DEFAULT_TIMEOUT_MS = 10_000;

/**
 * Opens one link: connected, TLS verified, authenticated, and paused. It has no readers; errors between two readers show in `errored` and by
 * "close". The caller destroys it; the signal does so too.
 * @throws DatabaseUnavailableError, DatabaseRefusedError, or the signal's reason
 */
export async function openLink(endpoint: RedisEndpoint, options: LinkOptions): Promise<Socket> {
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  options.signal.throwIfAborted();
  let socket: Socket | undefined;
  try {
    socket = await connect(endpoint, { signal: options.signal, timeoutMs });
    await authenticate(socket, endpoint, { timeoutMs, log: options.log });
    return socket;
  } catch (error) {
    socket?.destroy();
    options.signal.throwIfAborted();
    throw translateRedisError(error, "connect to the database", endpoint.description);
  }
}

/** Commands over a client library, for everything that is not a stream of the data itself. */
export class RedisControl implements AsyncDisposable {
  readonly client: Redis;
  readonly #link: Socket;
  readonly #endpoint: RedisEndpoint;
  readonly #signal: AbortSignal;

  constructor(client: Redis, parts: { link: Socket; endpoint: RedisEndpoint; signal: AbortSignal }) {
    this.client = client;
    this.#link = parts.link;
    this.#endpoint = parts.endpoint;
    this.#signal = parts.signal;
  }

  /** Runs one command once, never again. Its failure is one of our errors. */
  async call(command: string, ...args: string[]): Promise<unknown> {
    try {
      return await this.client.call(command, ...args);
    } catch (error) {
      this.#signal.throwIfAborted();
      const subcommand = /^(acl|config|module|function|client|cluster|script|memory)$/i.test(command) ? ` ${args[0]}` : "";
      // What ended the link says more than the library's "Connection is closed"; TLS alerts arrive only after the connection stands.
      const cause = Error.isError(error) && error.name === "ReplyError" ? error : (this.#link.errored ?? error);
      throw translateRedisError(cause, `run ${command.toUpperCase()}${subcommand.toUpperCase()}`, this.#endpoint.description);
    }
  }

  /** May be called twice. */
  close(): void {
    this.client.disconnect();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }
}

/** Opens a link and hands it to ioredis: no reconnecting, no offline queue, a bound for every command (default 30 s). The caller closes it. */
export async function openControl(
  endpoint: RedisEndpoint,
  options: LinkOptions & { readonly commandTimeoutMs?: number },
): Promise<RedisControl> {
  const link = await openLink(endpoint, options);
  // ioredis would print to the console what it cannot say to a listener; the same error reaches the command that waits.
  const client = new Redis({
    Connector: connectorOf(link),
    lazyConnect: true,
    protocol: 2,
    commandTimeout: options.commandTimeoutMs ?? 30_000,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    enableReadyCheck: false,
    autoResendUnfulfilledCommands: false,
    disableClientInfo: true,
  }).on("error", (error) => options.log?.debug("Control connection failed", { error: error.message }));
  try {
    await client.connect();
    return new RedisControl(client, { link, endpoint, signal: options.signal });
  } catch (error) {
    client.disconnect();
    options.signal.throwIfAborted();
    throw translateRedisError(error, "connect to the database", endpoint.description);
  }
}

/** The link is already authenticated: one set of rules for TLS and AUTH, ours, for control and data links alike. */
function connectorOf(link: Socket): new () => AbstractConnector {
  return class LinkConnector extends AbstractConnector {
    constructor() {
      super(0);
    }

    override async connect(): Promise<Socket> {
      this.stream = link;
      return link;
    }

    override disconnect(): void {
      link.destroy();
    }
  };
}

async function connect(endpoint: RedisEndpoint, options: { signal: AbortSignal; timeoutMs: number }): Promise<Socket> {
  const { host, port, tls } = endpoint;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = tls === undefined ? connectTcp({ host, port }, resolve) : connectTls({ ...tls, host, port });
  if (socket instanceof TLSSocket) onceAccepted(socket, resolve);
  const onAbort = () => socket.destroy(options.signal.reason);
  options.signal.addEventListener("abort", onAbort, { once: true });
  // Stays for the whole life: an error without a listener would end the process between two readers. TLS alerts that arrive after the
  // handshake are emitted without destroying the socket, and would be lost to `errored`.
  socket.on("error", (error) => {
    socket.destroy(error);
    reject(error);
  });
  socket.once("close", () => {
    options.signal.removeEventListener("abort", onAbort);
    reject(new Error("the server closed the connection; does this port speak TLS, and which kind?"));
  });
  const late = `no connection within ${options.timeoutMs} ms${tls === undefined ? "" : "; does this port speak TLS?"}`;
  const timer = setTimeout(() => socket.destroy(new Error(late)), options.timeoutMs);
  await promise.finally(() => clearTimeout(timer));
  socket.setNoDelay(true);
  socket.setKeepAlive(true, 30_000);
  return socket;
}

const ALERT_GRACE_MS = 200;

/**
 * In TLS 1.3 a server says only after the handshake that it misses a client certificate, and whoever writes at once sees a reset instead of
 * that alert. The first session ticket tells that we are accepted; servers without tickets cost a short wait.
 */
function onceAccepted(socket: TLSSocket, accepted: () => void): void {
  socket.once("secureConnect", () => {
    if (socket.getProtocol() !== "TLSv1.3") return accepted();
    const timer = setTimeout(accepted, ALERT_GRACE_MS);
    socket.once("session", accepted);
    socket.once("session", () => clearTimeout(timer));
    socket.once("close", () => clearTimeout(timer));
  });
}

async function authenticate(socket: Socket, endpoint: RedisEndpoint, options: { timeoutMs: number; log: Log | undefined }): Promise<void> {
  const { username, password } = endpoint;
  if (password === undefined) return;
  const auth = username === undefined ? ["AUTH", password.reveal()] : ["AUTH", username, password.reveal()];
  try {
    await askForLine(socket, auth, options.timeoutMs);
  } catch (error) {
    const text = error instanceof RedisReplyError ? error.message : "";
    // Servers before 6.0 know one user only, and no user name.
    if (/wrong number of arguments/i.test(text) && username === "default")
      return authenticate(socket, { ...endpoint, username: undefined }, options);
    if (!/no password is set|without any password configured/i.test(text)) throw error;
    options.log?.warn("The server demands no password although one is given", { database: endpoint.description });
  }
}
