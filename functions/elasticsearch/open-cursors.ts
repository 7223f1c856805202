// cursor: what reads one shard as it was at one instant. It lives in the server's memory and has to be closed.
import type { Log } from "../../runner/function.ts";
import type { SearchServer } from "./inspect-server.ts";
import type { SearchTransport } from "./transport.ts";

export interface CursorOptions {
  /** `auto`: points in time, and scrolls where the server has no points in time. */
  readonly method: "auto" | "pit" | "scroll";
  /** How long the server keeps a cursor between two requests. */
  readonly keepAliveMs: number;
  readonly signal: AbortSignal;
  readonly log: Log;
  warn(reason: string, message: string): void;
}

/** The cursors of a run. Disposing closes them all, within seconds, also after an abort. */
export interface Cursors extends AsyncDisposable {
  readonly method: "point-in-time" | "scroll";
  /** Every index is read as it was at some instant between these two; they move as long as cursors have to be opened later. */
  readonly openedFrom: Date;
  readonly openedUntil: Date;
  /** False for an index that was deleted or closed before its cursors could be opened. */
  has(name: string): boolean;
  /** Closes those of one index, as soon as it is read. Never fails: what cannot be closed expires. */
  close(name: string): Promise<void>;
}

/** Opens one point in time for each shard of each index, all before the first is read; keeps them alive until disposed. */
export async function openCursors(
  _transport: SearchTransport,
  _server: SearchServer,
  _options: CursorOptions & { readonly names: readonly string[] },
): Promise<Cursors> {
  throw new TypeError("Cursors cannot be opened yet");
}
