// A wire to a real server that can be cut and mended while it is in use.
import { connect, createServer, type Server, type Socket } from "node:net";

export interface SwitchableProxy extends AsyncDisposable {
  readonly port: number;
  /** Connections that are open now. */
  readonly connections: number;
  /** Every connection is reset. */
  reset(): void;
  /** Every connection gets an orderly end from the server's side. */
  end(): void;
  /** Nothing passes any more and nothing is closed; new connections are accepted, and hear nothing. */
  swallow(): void;
  /** New connections pass again; those of before stay dead. */
  mend(): void;
}

export async function startSwitchableProxy(target: { readonly port: number }): Promise<SwitchableProxy> {
  const proxy = new RunningProxy(target.port);
  await proxy.listen();
  return proxy;
}

class RunningProxy implements SwitchableProxy {
  readonly #server: Server;
  readonly #clients = new Map<Socket, Socket>();
  #isSwallowing = false;
  port = 0;

  constructor(targetPort: number) {
    this.#server = createServer({ allowHalfOpen: true }, (client) => {
      const server = connect({ host: "127.0.0.1", port: targetPort, allowHalfOpen: true });
      this.#clients.set(client, server);
      client.on("close", () => {
        this.#clients.delete(client);
        server.destroy();
      });
      // A broken side breaks the other, as long as there is a wire.
      server.on("error", () => this.#isSwallowing || client.resetAndDestroy());
      client.on("error", () => server.resetAndDestroy());
      if (this.#isSwallowing) server.destroy();
      else client.pipe(server).pipe(client);
    });
  }

  get connections(): number {
    return this.#clients.size;
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve, reject) => this.#server.once("error", reject).listen(0, "127.0.0.1", resolve));
    this.port = (this.#server.address() as { port: number }).port;
  }

  reset(): void {
    for (const client of this.#clients.keys()) client.resetAndDestroy();
  }

  end(): void {
    for (const [client, server] of this.#clients) {
      server.unpipe(client);
      client.end();
    }
  }

  swallow(): void {
    this.#isSwallowing = true;
    for (const [client, server] of this.#clients) {
      client.unpipe(server);
      server.unpipe(client);
      server.destroy();
    }
  }

  mend(): void {
    this.#isSwallowing = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients.keys()) client.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
