import type { Socket } from "node:net";
import { DatabaseRefusedError, DatabaseUnavailableError, HoldfastError, IncompleteError } from "../../runner/errors.ts";
import { RedisReplyError, translateRedisError } from "./redis-error.ts";
import { askForLine, encodeCommand, readLine } from "./reply-line.ts";
import type { ServerInfo } from "./server-info.ts";
import { type Framing, parseFraming } from "./snapshot-framing.ts";

export interface RequestOptions {
  readonly description: string;
  readonly server: Pick<ServerInfo, "flavour" | "version">;
  readonly replyTimeoutMs: number;
  /** Longest silence while the server prepares the snapshot; it sends a newline every second or so. */
  readonly idleTimeoutMs: number;
  readonly warn: (reason: string, message: string) => void;
  /** Called with the number of newlines so far. */
  readonly onKeepAlive: (count: number) => void;
}

export interface AnnouncedSnapshot {
  readonly framing: Framing;
  /** False before 7.0: commands may follow the RDB, and the link must be dropped behind it. */
  readonly rdbOnly: boolean;
}

/** Out of range, so that a Sentinel, which registers every replica that it hears of, leaves this one alone. */
const NO_PORT = "99999";

/**
 * Asks for a snapshot as a replica that wants the RDB and nothing else. Resolves when the snapshot begins: its first byte is the next in the
 * link. One reply is awaited at a time: a server refuses SYNC while an answer is still unsent.
 */
export async function requestSnapshot(link: Socket, options: RequestOptions): Promise<AnnouncedSnapshot> {
  const ask = async (...command: string[]) => {
    try {
      return await askForLine(link, command, options.replyTimeoutMs);
    } catch (error) {
      throw translateRedisError(error, `run ${command[0]}`, options.description);
    }
  };
  await ask("PING").catch(unlessDenied);
  if (!(await accepts(ask("REPLCONF", "listening-port", NO_PORT))))
    options.warn(
      "ListeningPortRefused",
      "The server does not take our port number: a Sentinel beside it may list this backup as a lost replica",
    );
  await accepts(ask("REPLCONF", "capa", "eof"));
  const rdbOnly = await accepts(ask("REPLCONF", "rdb-only", "1"));
  // Valkey sends a format that cannot hold everything, or fails, unless a version is announced; Redis does not know the option.
  if (options.server.flavour !== "redis") await accepts(ask("REPLCONF", "version", options.server.version));
  link.write(encodeCommand(["SYNC"]));
  return { framing: await awaitFraming(link, options), rdbOnly };
}

async function awaitFraming(link: Socket, options: RequestOptions): Promise<Framing> {
  for (let keepAlives = 0; ; keepAlives += 1) {
    const line = await readLine(link, options.idleTimeoutMs).catch((error) => {
      throw snapshotNotSent(error, options.description);
    });
    if (line === "") {
      options.onKeepAlive(keepAlives + 1);
      continue;
    }
    if (line.startsWith("-")) throw translateSyncError(new RedisReplyError(line.slice(1)), options.description);
    const framing = parseFraming(line);
    if (framing === undefined)
      throw new IncompleteError(`Cannot understand how ${options.description} announces its snapshot`, { reason: "NotAnRdb" });
    return framing;
  }
}

/** Not to be tried again at once: every attempt makes the server fork. */
function snapshotNotSent(error: unknown, description: string): HoldfastError {
  const { message, cause } = translateRedisError(error, "wait for the snapshot", description);
  return new DatabaseUnavailableError(message, {
    cause,
    reason: "SnapshotNotSent",
    hint: "See the server's log: it may have failed to write its snapshot (disk, memory), or been restarted",
  });
}

function translateSyncError(error: RedisReplyError, description: string): HoldfastError {
  if (/BGSAVE failed|Unable to perform background save/i.test(error.message))
    return new DatabaseRefusedError(`The server at ${description} cannot fork to write its snapshot (${error.message})`, {
      cause: error,
      reason: "ForkFailed",
      hint: "See the server's log; it needs memory for the copy, and vm.overcommit_memory=1",
    });
  return translateRedisError(error, "run SYNC", description);
}

/** Whether the server took the option; an option that it does not know is a no, everything else a failure. */
async function accepts(reply: Promise<string>): Promise<boolean> {
  try {
    await reply;
    return true;
  } catch (error) {
    if (error instanceof DatabaseRefusedError && error.reason === "DatabaseRefused") return false;
    throw error;
  }
}

function unlessDenied(error: unknown): void {
  if (!(error instanceof HoldfastError) || error.reason !== "PermissionDenied") throw error;
}
