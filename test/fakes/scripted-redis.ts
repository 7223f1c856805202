// A server that answers each command as a test says, for replies that a real one gives only in trouble.
import { createServer, type Socket } from "node:net";

export interface ScriptedRedis extends AsyncDisposable {
  readonly port: number;
  readonly tlsPort: undefined;
  /** Every command that arrived, its words joined by blanks. */
  readonly commands: readonly string[];
}

/** What to send; "close" ends the connection, several are sent one after the other as writes of their own. */
export type Answer = string | Buffer | readonly (string | Buffer)[];

export async function startScriptedRedis(answer: (command: string) => Answer): Promise<ScriptedRedis> {
  const commands: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.setNoDelay(true).on("error", () => socket.destroy()));
    let text = "";
    socket.on("data", async (bytes) => {
      text += bytes.toString("latin1");
      for (let command = takeCommand(text); command !== undefined; command = takeCommand(text)) {
        text = command.rest;
        commands.push(command.words.join(" "));
        for (const part of [answer(command.words.join(" "))].flat()) {
          if (part === "close") socket.end();
          else await new Promise((resolve) => socket.write(part, resolve));
        }
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the scripted server does not listen");
  return {
    port: address.port,
    tlsPort: undefined,
    commands,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function takeCommand(text: string): { words: string[]; rest: string } | undefined {
  const head = /^\*(\d+)\r\n/.exec(text);
  if (head === null) return undefined;
  let at = head[0].length;
  const words: string[] = [];
  for (let n = 0; n < Number(head[1]); n += 1) {
    const size = /^\$(\d+)\r\n/.exec(text.slice(at));
    if (size === null) return undefined;
    const from = at + size[0].length;
    at = from + Number(size[1]) + 2;
    if (at > text.length) return undefined;
    words.push(text.slice(from, at - 2));
  }
  return { words, rest: text.slice(at) };
}
