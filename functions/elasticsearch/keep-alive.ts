import { setTimeout as pause } from "node:timers/promises";
import pLimit from "p-limit";
import { describeError } from "../../runner/errors.ts";
import { explainAbsence, explainLoss } from "./explain-loss.ts";
import { judgePageFailure } from "./page-failure.ts";
import type { CursorLink, PointInTime } from "./point-in-time.ts";

export interface KeepAliveOptions {
  /** Those that are open now. */
  cursors(): readonly PointInTime[];
  isOpen(cursor: PointInTime): boolean;
  /** Told when the server has forgotten one of them. */
  onLoss(loss: unknown): void;
}

const RENEWED_AT_ONCE = 2;
/** A cursor is renewed when it was idle for this share of its keep-alive: two more attempts fit before it ends. */
const RENEWAL_SHARE = 1 / 4;

/** Renews every cursor that was not used for a while, until the link's signal ends. Never fails: what could not be renewed is tried again. */
export async function keepAlive(link: CursorLink, { cursors, isOpen, onLoss }: KeepAliveOptions): Promise<void> {
  const { signal, keepAliveMs } = link;
  const share = keepAliveMs * RENEWAL_SHARE;
  while (!signal.aborted) {
    await pause(share, undefined, { signal, ref: false }).catch(() => undefined);
    const idle = signal.aborted ? [] : cursors().filter(({ idleMs }) => idleMs > share);
    await pLimit(RENEWED_AT_ONCE).map(idle, async (cursor) => {
      // It may have been closed since.
      const isWanted = () => !signal.aborted && isOpen(cursor);
      if (!isWanted()) return;
      const loss = await renew(cursor, link, isWanted);
      if (loss !== undefined) onLoss(loss);
    });
  }
}

/** Resolves with the error when the cursor is lost for good. */
async function renew(cursor: PointInTime, { transport, log }: CursorLink, isWanted: () => boolean): Promise<unknown> {
  try {
    await cursor.renew();
    return undefined;
  } catch (error) {
    if (!isWanted()) return undefined;
    log.info("A cursor was not kept alive", { of: cursor.subject, because: describeError(error) });
    const verdict = judgePageFailure(error);
    if (verdict === "gone") return explainLoss(transport, cursor.index, error);
    return verdict === "absent" ? explainAbsence(transport, cursor.index, error) : undefined;
  }
}
