// Passes TCP connections from another of this machine's addresses on to a server of 127.0.0.1, as pods cannot reach that.
import { connect, createServer, type Socket } from "node:net";

export interface Forward extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** "HOST:PORT". */
  readonly address: string;
}

/** Listens on the same port of `host`; its disposal cuts what runs through it. */
export async function startForward(host: string, port: number): Promise<Forward> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (from) => {
    const to = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
    for (const [one, other] of [
      [from, to],
      [to, from],
    ] as const) {
      sockets.add(one);
      one.setNoDelay(true);
      one.pipe(other);
      // An error of one side is the other's too: a reset stays one.
      one.once("error", () => other.resetAndDestroy());
      one.once("close", () => sockets.delete(one));
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  return {
    host,
    port,
    address: `${host}:${port}`,
    [Symbol.asyncDispose]: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
