// cursor: what reads one shard as it was at one instant. It lives in the server's memory and has to be closed.
import pLimit from "p-limit";
import type { Log } from "../../runner/function.ts";
import { cursorDialect } from "./cursor-dialect.ts";
import { CursorSet } from "./cursor-set.ts";
import { readIndexIdentities } from "./index-identity.ts";
import type { SearchServer } from "./inspect-server.ts";
import type { ShardCursor } from "./shard-cursor.ts";
import type { SearchTransport } from "./transport.ts";

export interface CursorOptions {
  /** `auto`: points in time, and scrolls where the server has no points in time. */
  readonly method: "auto" | "pit" | "scroll";
  /** How long the server keeps a cursor between two requests. */
  readonly keepAliveMs: number;
  readonly signal: AbortSignal;
  readonly log: Log;
  warn(reason: string, message: string): void;
  /** How long to repeat a request in vain; default 2 minutes. */
  readonly patienceMs?: number;
}

/** The cursors of a run. Disposing closes them all, within seconds, also after an abort. */
export interface Cursors extends AsyncDisposable {
  readonly method: "point-in-time" | "scroll";
  /** Every index is read as it was at some instant between these two; they move as long as cursors have to be opened later. */
  readonly openedFrom: Date;
  readonly openedUntil: Date;
  readonly transport: SearchTransport;
  readonly signal: AbortSignal;
  readonly log: Log;
  /** False for an index that was deleted or closed before its cursors could be opened. */
  has(name: string): boolean;
  /** The uuid of an index that it has. */
  uuidOf(name: string): string;
  /** Its shards, from 0. */
  shardsOf(name: string): number;
  /** The cursor on a shard, as soon as there is one; to be closed by `close` of the index or, earlier, by `closeShard`. */
  cursorOn(name: string, shard: number): Promise<ShardCursor>;
  /** As `close`, for one shard. */
  closeShard(name: string, shard: number): Promise<void>;
  /** Closes those of one index, as soon as it is read. Never fails: what cannot be closed expires. */
  close(name: string): Promise<void>;
}

const OPENED_AT_ONCE = 8;

/**
 * Opens a point in time on every shard of every index, all before the first is read; keeps them alive until disposed. Where there are no points
 * in time, each shard gets a scroll when its turn comes. @throws HoldfastError when an index that is there cannot be opened; then nothing stays open
 */
export async function openCursors(
  transport: SearchTransport,
  server: SearchServer,
  options: CursorOptions & { readonly names: readonly string[] },
): Promise<Cursors> {
  const dialect = cursorDialect(server);
  const { names, method, keepAliveMs, signal, log, warn, patienceMs } = options;
  const identities = await readIndexIdentities(transport, names);
  const link = { transport, dialect, keepAliveMs, signal, log, patienceMs };
  const found = names.flatMap((name) => identities.get(name) ?? []).filter(({ isClosed }) => !isClosed);
  const isPossible = method === "pit" || (method === "auto" && dialect.hasPointsInTime);
  const set = new CursorSet(link, {
    indices: found,
    method: isPossible ? "point-in-time" : "scroll",
    mayFallBack: method === "auto",
    warn,
  });
  try {
    const atOnce = pLimit(OPENED_AT_ONCE);
    await atOnce.map(found, ({ name }) => set.open(name));
    set.announce();
    return set;
  } catch (error) {
    await set[Symbol.asyncDispose]();
    throw error;
  }
}
