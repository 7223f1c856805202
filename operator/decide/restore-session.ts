import { isAny } from "../../runner/kubernetes/status-condition.ts";
import { type Action, type Decision, NOTHING } from "../action.ts";
import type { KindName } from "../kinds.ts";
import { FINALIZER } from "../names.ts";
import { identityOf, type LiveObject } from "../objects.ts";
import type { OperatorSettings } from "../settings.ts";
import { beginRestore } from "./begin-restore.ts";
import { followRestore } from "./follow-restore.ts";
import type { ObservedRestore } from "./observed-restore.ts";
import { isOver, isStopped } from "./stop-executor.ts";

export interface RestoreOptions {
  readonly now: Date;
  readonly settings: Pick<OperatorSettings, "pendingTimeoutMs" | "waitingTimeoutMs">;
}

/** What is to be done for one restore. Its Job is made once, whatever happens; whatever ends without a result has failed. */
export function decideRestoreSession(observed: ObservedRestore | undefined, { now, settings }: RestoreOptions): Decision {
  if (observed === undefined) return NOTHING;
  switch (observed.stage) {
    case "over":
      return stopStraggler(observed);
    case "deleted":
      return release(observed.session, observed.foreignRights);
    case "new":
      return beginRestore({ session: observed.session, now }, observed.preparation);
    case "started":
      return followRestore(observed, { now, settings });
  }
}

/** A Job whose making was not answered may come after its restore was given up: nothing may be written into a database whose restore is told to have failed. */
function stopStraggler({ session, job }: { readonly session: LiveObject; readonly job: LiveObject | undefined }): Decision {
  const status = session.status ?? {};
  const isGivenUp = isAny(status, "False", ["RestoreExecutorEnsured"]) || isAny(status, "True", ["DeadlineExceeded"]);
  if (!isGivenUp || job === undefined || isOver(job) || isStopped(job)) return NOTHING;
  return { actions: [{ do: "stop", job: identityOf(job) }] };
}

/** What nobody else would clean up goes first; the Job and all the rest go with their owner. */
function release(session: LiveObject, foreignRights: readonly LiveObject[]): Decision {
  if (session.metadata.finalizers?.includes(FINALIZER) !== true) return NOTHING;
  const removed = foreignRights.map((right): Action => ({ do: "remove", kind: right.kind as KindName, object: identityOf(right) }));
  return { actions: [...removed, { do: "metadata", kind: "RestoreSession", object: identityOf(session), change: withoutFinalizer }] };
}

function withoutFinalizer(live: LiveObject): LiveObject {
  const finalizers = live.metadata.finalizers?.filter((finalizer) => finalizer !== FINALIZER) ?? [];
  return { ...live, metadata: { ...live.metadata, finalizers } };
}
