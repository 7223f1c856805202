// A gate before a real API server that ends its client's life at an exact write: before the server hears of it, or before the client hears what became of it.
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { Agent, createServer, request, type Server } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { buffer } from "node:stream/consumers";
import type { CertificateFiles } from "../servers/certificates.ts";

/** "before": it never reaches the server. "after": the server has answered, and nobody hears it. */
export type Strike = "before" | "after" | undefined;

export interface GateWrite {
  readonly method: string;
  readonly path: string;
  readonly body: string;
  /** Of two writes that want the same, whatever the time and the version: equal. */
  readonly sameness: string;
}

export interface WriteGate extends AsyncDisposable {
  readonly port: number;
  /** Every write that came, but for Events and Leases. */
  readonly writes: readonly GateWrite[];
  /** Requests by method, and "WATCH". */
  readonly counts: ReadonlyMap<string, number>;
  /** Every request, without names that nobody knows beforehand: "GET /api/v1/namespaces/…/secrets/vault-key". */
  readonly asked: readonly string[];
  /** Lets clients in again after a strike. */
  open(): void;
  /** Nothing passes until `flow`, and nothing is lost: as with a network that is gone for a while. */
  hold(): void;
  flow(): void;
}

export interface WriteGateOptions {
  readonly server: { readonly port: number; readonly caFile: string };
  readonly certificates: Pick<CertificateFiles, "serverCert" | "serverKey">;
  strikeAt(write: GateWrite): Strike;
  /** Called once all connections are cut; nobody gets in until `open`. */
  struck(write: GateWrite): void;
}

export async function startWriteGate(options: WriteGateOptions): Promise<WriteGate> {
  const { server, certificates } = options;
  const [ca, cert, key] = await Promise.all([server.caFile, certificates.serverCert, certificates.serverKey].map((path) => readFile(path)));
  const gate = new RunningGate(options, { ca, cert, key } as Credentials);
  await gate.listen();
  return gate;
}

interface Credentials {
  readonly ca: Buffer;
  readonly cert: Buffer;
  readonly key: Buffer;
}

class RunningGate implements WriteGate {
  readonly writes: GateWrite[] = [];
  readonly counts = new Map<string, number>();
  readonly asked: string[] = [];
  readonly #options: WriteGateOptions;
  readonly #ca: Buffer;
  readonly #server: Server;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #sockets = new Set<Socket>();
  #isOpen = true;
  #flowing: PromiseWithResolvers<void> | undefined;

  constructor(options: WriteGateOptions, { ca, cert, key }: Credentials) {
    this.#options = options;
    this.#ca = ca;
    this.#server = createServer({ cert, key }, (asked, answer) => {
      this.#pass(asked, answer).catch(() => answer.destroy());
    });
    this.#server.on("connection", (socket: Socket) => {
      if (!this.#isOpen) socket.destroy();
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
    });
    // Clients that are killed amid their greeting.
    this.#server.on("tlsClientError", () => undefined);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve, reject) => this.#server.once("error", reject).listen(0, "127.0.0.1", resolve));
  }

  open(): void {
    this.#isOpen = true;
  }

  hold(): void {
    this.#flowing ??= Promise.withResolvers();
  }

  flow(): void {
    this.#flowing?.resolve();
    this.#flowing = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.flow();
    for (const socket of this.#sockets) socket.destroy();
    this.#agent.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #pass(asked: IncomingMessage, answer: ServerResponse): Promise<void> {
    const { method = "", url = "" } = asked;
    const kind = /[?&]watch=/.test(url) ? "WATCH" : method;
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
    this.asked.push(`${kind} ${url.replace(/\?.*/, "").replace(/namespaces\/ns-\w+/, "namespaces/…")}`);
    const body = await buffer(asked);
    await this.#flowing?.promise;
    const write = method === "GET" || /\/(events|leases)(\/|\?|$)/.test(url) ? undefined : writeOf(method, url, body);
    if (write !== undefined) this.writes.push(write);
    if (!this.#isOpen) return void answer.destroy();
    const strike = write && this.#options.strikeAt(write);
    if (write !== undefined && strike === "before") return this.#strike(write);
    const told = await this.#forward(asked, answer, body);
    // A second strike amid the first would end somebody who is dead already.
    if (write !== undefined && strike === "after") {
      await buffer(told);
      if (this.#isOpen) this.#strike(write);
      return;
    }
    answer.writeHead(told.statusCode ?? 502, told.headers);
    answer.flushHeaders();
    for await (const chunk of told) {
      await this.#flowing?.promise;
      answer.write(chunk);
    }
    answer.end();
  }

  #strike(write: GateWrite): void {
    this.#isOpen = false;
    for (const socket of this.#sockets) socket.destroy();
    this.#options.struck(write);
  }

  #forward(asked: IncomingMessage, answer: ServerResponse, body: Buffer): Promise<IncomingMessage> {
    const { method, url: path, headers } = asked;
    return new Promise((resolve, reject) => {
      const target = { host: "127.0.0.1", port: this.#options.server.port, ca: this.#ca, agent: this.#agent };
      const sent = request({ ...target, method, path, headers }, resolve);
      sent.once("error", reject).end(body);
      // A write goes on without its client, as it does on a real server; a watch does not.
      answer.once("close", () => method === "GET" && sent.destroy());
    });
  }
}

function writeOf(method: string, path: string, body: Buffer): GateWrite {
  const text = body.toString();
  const wanted = createHash("sha256").update(text.replaceAll(/\d+/g, "")).digest("hex").slice(0, 12);
  return { method, path, body: text, sameness: `${method} ${path.replaceAll(/\d+/g, "")} ${wanted}` };
}
