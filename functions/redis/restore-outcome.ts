import { DatabaseRefusedError, DatabaseUnavailableError, HoldfastError, IncompleteError } from "../../runner/errors.ts";
import type { RestoreResult } from "../../runner/function.ts";
import type { LibraryTally } from "./restore-libraries.ts";
import { countReplaced, type DatabaseCheck } from "./restore-postflight.ts";
import type { RestorePolicy, RestoreTally } from "./restore-tally.ts";

/** What a complete restore reports. */
export function describeRestore(
  tally: RestoreTally,
  parts: { readonly checks: readonly DatabaseCheck[]; readonly libraries: LibraryTally; readonly policy: RestorePolicy },
): RestoreResult {
  const replaced = parts.policy === "replace" ? sumKnown(parts.checks.map(countReplaced)) : undefined;
  return {
    counts: {
      keys: tally.met,
      restored: tally.restored,
      skipped: tally.skipped,
      expired: tally.expired,
      ...(replaced === undefined ? {} : { replaced }),
      functionLibraries: parts.libraries.restored.length,
      functionLibrariesSkipped: parts.libraries.skipped.length,
    },
    facts: {
      policy: parts.policy,
      functionLibraries: parts.libraries,
      databases: Object.fromEntries(
        parts.checks.map(({ database, before, after, tally: { persistent, volatile, expired } }) => [
          database,
          { before, after, persistent, volatile, expired },
        ]),
      ),
    },
  };
}

/** @throws DatabaseRefusedError when single keys were refused while the others were restored */
export function assertNothingRefused(tally: RestoreTally, description: string): void {
  const [first] = tally.firstRefused;
  if (first === undefined) return;
  const keys =
    tally.refusals === 1
      ? `key ${first.key} of database ${first.database}`
      : `${tally.refusals} keys, the first ${first.key} of database ${first.database}`;
  throw new DatabaseRefusedError(`${description} refused ${keys}: ${first.error}; everything else was restored`, { reason: "KeysRefused" });
}

export interface ProgressParts {
  /** Commands without an answer: whether they were carried out is not known. */
  readonly unanswered: number;
  readonly libraries: LibraryTally;
  readonly isMaxBulkKnown: boolean;
}

/** Adds to a failure what was done before it, and how to go on. The error stays the same object, with its own message. */
export function addProgress(error: unknown, tally: RestoreTally, parts: ProgressParts): unknown {
  if (!(error instanceof HoldfastError)) return error;
  const facts = {
    ...error.facts,
    restored: tally.restored,
    skipped: tally.skipped,
    expired: tally.expired,
    refused: tally.refusals,
    firstRefused: tally.firstRefused,
    unanswered: parts.unanswered,
    functionLibraries: parts.libraries.restored,
  };
  const hints = [error.hint, whatIsThere(error, tally, parts), whatMayBe(error, parts)].filter((text) => text !== undefined);
  return Object.assign(error, { facts, hint: hints.join(". ") || undefined });
}

/** A server that is sent too long a string drops the connection, mostly before its reason arrives. */
function whatMayBe(error: HoldfastError, { isMaxBulkKnown }: ProgressParts): string | undefined {
  if (isMaxBulkKnown || !(error instanceof DatabaseUnavailableError)) return undefined;
  return "If the target's proto-max-bulk-len is below its default, allow the user +config|get, so that long values go in pieces";
}

function whatIsThere(error: HoldfastError, tally: RestoreTally, { unanswered, libraries }: ProgressParts): string | undefined {
  if (tally.restored === 0 && unanswered === 0)
    return libraries.restored.length > 0 ? "Function libraries were loaded, but no key was written" : undefined;
  const unknown = unanswered === 0 ? "" : `, and up to ${unanswered} more whose answers were lost`;
  // An object that was replaced by another shows at its end, and what was read of it until then is written.
  if (error instanceof IncompleteError)
    return `The target now has ${tally.restored} keys${unknown}, some of which may not be those of the snapshot: --policy replace writes all of them again, once the snapshot is sound`;
  return `The target now has ${tally.restored} keys of the snapshot${unknown}: --policy skip goes on from there, --policy replace writes all of them again`;
}

function sumKnown(counts: readonly (number | undefined)[]): number | undefined {
  return counts.reduce((sum: number | undefined, count) => (sum === undefined || count === undefined ? undefined : sum + count), 0);
}
