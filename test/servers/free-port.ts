import { randomInt } from "node:crypto";
import { createServer } from "node:net";

// Below the ports that the kernel gives to outgoing connections, one of which could take the port before the server does. A node of a Redis
// cluster listens 10,000 higher too: that is below them as well.
const LOWEST = 10_000;
const HIGHEST = 22_000;
const given = new Set<number>();

/** A loopback port that nobody listens on now, and that was not given before. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 1000; attempt += 1) {
    const port = randomInt(LOWEST, HIGHEST);
    if (given.has(port) || !(await isFree(port))) continue;
    given.add(port);
    return port;
  }
  throw new Error(`Every port between ${LOWEST} and ${HIGHEST} seems to be taken`);
}

/** Whether nobody listens on the loopback port now. */
export async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const isListening = await new Promise<boolean>((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => resolve(true));
  });
  if (isListening) await new Promise((resolve) => server.close(resolve));
  return isListening;
}
