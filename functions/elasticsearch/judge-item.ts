import { DatabaseRefusedError } from "../../runner/errors.ts";
import type { BulkItem } from "./bulk-answer.ts";

export type ItemVerdict =
  | "accepted"
  /** Accepted, in the place of another document with the same id. */
  | "overwritten"
  /** To be sent again: the target has no room, or a shard is away. */
  | "no-room"
  /** To be sent again, but not for long: a disk is nearly full. */
  | "disk-full"
  /** To be sent again, some times: the target failed at it. */
  | "failed"
  | "refused";

export interface ItemContext {
  readonly index: string;
  readonly action: "index" | "create";
  /** It was sent before, and what became of it is not known. */
  readonly isUncertain: boolean;
  /** Of the endpoint. */
  readonly description: string;
}

/** What an item's status means for its document. @throws DatabaseRefusedError where every other document would meet the same */
export function judgeItem(item: BulkItem, context: ItemContext): ItemVerdict {
  const { status } = item;
  const type = item.error?.type ?? "";
  if (status === 201) return "accepted";
  if (status === 200) return context.isUncertain ? "accepted" : "overwritten";
  if (isDiskFull(item)) return "disk-full";
  if (status === 429 || status === 503) return "no-room";
  if (status >= 500) return "failed";
  // It is the one that we sent, or it would not have been taken; the count at the end has the last word.
  if (status === 409 && context.action === "create" && context.isUncertain) return "accepted";
  const fatal = FATAL.find((rule) => rule.status === status && rule.type.test(type));
  if (fatal === undefined) return "refused";
  const { index, description } = context;
  throw new DatabaseRefusedError(`${description} takes no documents for "${index}": ${item.error?.reason ?? type}`, {
    reason: fatal.reason,
    hint: fatal.hint,
  });
}

/** Block 12 is set by the target itself when a disk passes the flood stage. Old versions answer 403, later ones 429. */
export function isDiskFull({ status, error }: BulkItem): boolean {
  return (status === 429 || status === 403) && error?.type === "cluster_block_exception" && /\/12\//.test(error.reason);
}

const FATAL: readonly { readonly status: number; readonly type: RegExp; readonly reason: string; readonly hint: string }[] = [
  {
    status: 403,
    type: /^security_exception$/,
    reason: "PermissionDenied",
    hint: "The user needs the right to write into the restored indices",
  },
  {
    status: 403,
    type: /^cluster_block_exception$/,
    reason: "TargetBlocked",
    hint: "Somebody made the index or the cluster read-only: lift the block",
  },
  { status: 404, type: /^index_not_found_exception$/, reason: "TargetIndexGone", hint: "Somebody deleted it during the restore" },
  { status: 400, type: /^index_closed_exception$/, reason: "TargetIndexClosed", hint: "Somebody closed it during the restore" },
];
