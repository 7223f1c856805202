// A real TCP proxy in front of a real server, which breaks a connection at an exact byte.
import { connect, createServer, type Server, type Socket } from "node:net";

export interface Fault {
  /** "end": an orderly end; "reset": a reset; "stall": nothing more is passed on, and nothing is closed; "flip": one bit of that byte is inverted. */
  readonly kind: "end" | "reset" | "stall" | "flip";
  readonly direction: "toClient" | "toServer";
  /** So many bytes pass unharmed. */
  readonly afterBytes: number;
  /** Counting begins with the first occurrence of this text, which itself counts. Default: with the first byte. */
  readonly countedFrom?: string;
}

export interface TcpProxy extends AsyncDisposable {
  readonly host: "127.0.0.1";
  readonly port: number;
  /** How many connections were accepted so far. */
  readonly connections: number;
  /** Resolves when a fault struck for the first time. */
  readonly struck: Promise<void>;
}

/** Passes connections on to `target`; `faultOf` says what happens to the n-th (from 0), if anything. */
export async function startTcpProxy(
  target: { readonly host?: string; readonly port: number },
  faultOf: (connection: number) => Fault | undefined = () => undefined,
): Promise<TcpProxy> {
  const proxy = new RunningProxy(target, faultOf);
  await proxy.listen();
  return proxy;
}

class RunningProxy implements TcpProxy {
  readonly host = "127.0.0.1";
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #struck = Promise.withResolvers<void>();
  connections = 0;

  constructor(target: { readonly host?: string; readonly port: number }, faultOf: (connection: number) => Fault | undefined) {
    this.#server = createServer({ allowHalfOpen: true }, (client) => {
      const fault = faultOf(this.connections);
      this.connections += 1;
      const server = connect({ host: target.host ?? "127.0.0.1", port: target.port, allowHalfOpen: true });
      this.#keep(client, server);
      this.#pass({ from: server, to: client, fault: fault?.direction === "toClient" ? fault : undefined });
      this.#pass({ from: client, to: server, fault: fault?.direction === "toServer" ? fault : undefined });
    });
  }

  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("the proxy does not listen");
    return address.port;
  }

  get struck(): Promise<void> {
    return this.#struck.promise;
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve, reject) => this.#server.once("error", reject).listen(0, "127.0.0.1", resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #keep(client: Socket, server: Socket): void {
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(socket);
      socket.setNoDelay(true);
      // A broken side breaks the other: what a plain wire would do.
      socket.on("error", () => other.resetAndDestroy());
      socket.on("close", () => this.#sockets.delete(socket));
    }
  }

  #pass({ from, to, fault }: { from: Socket; to: Socket; fault: Fault | undefined }): void {
    const meter = fault && new FaultMeter(fault);
    from.on("data", (bytes: Buffer) => {
      const passed = meter === undefined ? bytes : meter.take(bytes);
      if (passed.length > 0 && !to.destroyed && !to.write(passed)) from.pause();
      if (meter?.hasStruck) this.#strike(meter.fault, { from, to });
    });
    to.on("drain", () => from.resume());
    from.on("end", () => to.end());
  }

  #strike(fault: Fault, { from, to }: { from: Socket; to: Socket }): void {
    this.#struck.resolve();
    if (fault.kind === "flip") return;
    from.removeAllListeners("data").removeAllListeners("end").pause();
    to.removeAllListeners("drain");
    if (fault.kind === "end") to.end(() => from.destroy());
    if (fault.kind === "reset") {
      to.resetAndDestroy();
      from.resetAndDestroy();
    }
  }
}

/** Counts the bytes of one direction and knows when the fault strikes. */
class FaultMeter {
  readonly fault: Fault;
  hasStruck = false;
  /** Bytes counted so far; undefined until counting begins. */
  #counted: number | undefined;
  #seen = Buffer.alloc(0);

  constructor(fault: Fault) {
    this.fault = fault;
    this.#counted = fault.countedFrom === undefined ? 0 : undefined;
  }

  /** What may pass of these bytes. */
  take(bytes: Buffer): Buffer {
    const from = this.#begin(bytes);
    if (from === undefined || this.hasStruck) return bytes;
    const counted = this.#counted ?? 0;
    const strikeAt = from + this.fault.afterBytes - counted;
    this.#counted = counted + bytes.length - from;
    const isHere = this.fault.kind === "flip" ? strikeAt < bytes.length : strikeAt <= bytes.length;
    if (!isHere) return bytes;
    this.hasStruck = true;
    if (this.fault.kind !== "flip") return bytes.subarray(0, strikeAt);
    const flipped = Buffer.from(bytes);
    flipped[strikeAt] = (flipped[strikeAt] as number) ^ 0x10;
    return flipped;
  }

  /** Where in these bytes counting begins, or goes on; undefined before its text was seen. */
  #begin(bytes: Buffer): number | undefined {
    if (this.#counted !== undefined) return 0;
    const before = this.#seen.length;
    this.#seen = Buffer.concat([this.#seen, bytes]);
    const at = this.#seen.indexOf(this.fault.countedFrom ?? "");
    if (at < 0) return undefined;
    if (at < before) throw new Error(`"${this.fault.countedFrom}" was split over two reads; count from a shorter text`);
    this.#counted = 0;
    return at - before;
  }
}
