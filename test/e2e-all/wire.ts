import { connect, createServer, type Server, type Socket } from "node:net";

/** A way to a server of this machine that can be taken away, as when the server is down, and given back on the same port. */
export interface Wire extends AsyncDisposable {
  readonly port: number;
  /** Connections are reset, and new ones refused. */
  cut(): Promise<void>;
  mend(): Promise<void>;
}

export async function startWire(target: { readonly port: number }): Promise<Wire> {
  const wire = new RunningWire(target.port);
  await wire.mend();
  return wire;
}

class RunningWire implements Wire {
  readonly #targetPort: number;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  port = 0;

  constructor(targetPort: number) {
    this.#targetPort = targetPort;
  }

  async mend(): Promise<void> {
    const server = createServer((from) => {
      const to = connect(this.#targetPort, "127.0.0.1");
      for (const [one, other] of [
        [from, to],
        [to, from],
      ] as const) {
        this.#sockets.add(one);
        one.pipe(other);
        one.once("error", () => other.resetAndDestroy());
        one.once("close", () => this.#sockets.delete(one));
      }
    });
    await new Promise<void>((resolve, reject) => server.once("error", reject).listen(this.port, "127.0.0.1", resolve));
    this.#server = server;
    this.port = (server.address() as { port: number }).port;
  }

  async cut(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    const closed = new Promise((resolve) => (server === undefined ? resolve(undefined) : server.close(resolve)));
    for (const socket of this.#sockets) socket.resetAndDestroy();
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cut();
  }
}
