import type { Socket } from "node:net";
import { RedisReplyError } from "./redis-error.ts";

const LONGEST_LINE = 64 * 1024;

/**
 * Sends one command and resolves with its reply, a single line without the leading "+" or ":". Error replies reject with RedisReplyError.
 * Only for a link on which nobody else reads; the bytes after the line stay in the socket.
 */
export async function askForLine(socket: Socket, command: readonly string[], timeoutMs: number): Promise<string> {
  socket.write(encodeCommand(command));
  for (;;) {
    const line = await readLine(socket, timeoutMs);
    if (line.startsWith("-")) throw new RedisReplyError(line.slice(1));
    if (line.startsWith("+") || line.startsWith(":")) return line.slice(1);
    // An empty line is a keep-alive, sent while the server prepares a snapshot for somebody.
    if (line !== "") throw new RedisReplyError(`Unexpected reply to ${command[0]}: is this a Redis or Valkey port?`);
  }
}

/** A command as an array of bulk strings. */
export function encodeCommand(words: readonly string[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join("")}`;
}

/** Resolves with the next line, without its end; what follows stays in the socket. Rejects when the link ends, errs or says nothing for `timeoutMs`. */
export function readLine(socket: Socket, timeoutMs: number): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const parts: Buffer[] = [];
  let length = 0;
  const readSome = () => {
    for (let chunk = socket.read() as Buffer | null; chunk !== null; chunk = socket.read() as Buffer | null) {
      const end = chunk.indexOf(0x0a);
      parts.push(end < 0 ? chunk : chunk.subarray(0, end));
      length += chunk.length;
      if (end >= 0) {
        settle();
        if (end + 1 < chunk.length) socket.unshift(chunk.subarray(end + 1));
        return resolve(Buffer.concat(parts).toString("latin1").replace(/\r$/, ""));
      }
      if (length > LONGEST_LINE) return fail(new Error("a reply line has no end: is this a Redis or Valkey port?"));
    }
  };
  const fail = (error: Error) => {
    settle();
    reject(error);
  };
  const onClose = () => fail(socket.errored ?? closedEarly());
  const timer = setTimeout(() => fail(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
  const settle = () => {
    clearTimeout(timer);
    socket.off("readable", readSome);
    socket.off("end", onClose);
    socket.off("close", onClose);
  };
  socket.on("readable", readSome);
  socket.on("end", onClose);
  socket.on("close", onClose);
  if (socket.destroyed || socket.readableEnded) onClose();
  else readSome();
  return promise;
}

function closedEarly(): Error {
  return new Error("the server closed the connection instead of answering");
}
