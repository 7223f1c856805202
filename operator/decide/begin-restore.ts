import { ClusterUnavailableError } from "../../runner/errors.ts";
import type { Status } from "../../runner/kubernetes/cluster.ts";
import { formatTime } from "../../runner/kubernetes/go-format.ts";
import { type Condition, findCondition, withCondition } from "../../runner/kubernetes/status-condition.ts";
import { listIn } from "../../runner/kubernetes/status-list.ts";
import type { Action, Decision } from "../action.ts";
import { FINALIZER } from "../names.ts";
import { identityOf, isBeingDeleted, type LiveObject } from "../objects.ts";
import { exceedDeadline, finishRestore } from "./finish-restore.ts";
import type { Preparation, RestorePlan } from "./observed-restore.ts";
import { isMarked, marked } from "./restore-mark.ts";
import { changeRestore, failRestore, type RestoreMoment, tellOfRestore } from "./restore-status.ts";

/** What is done for a restore that has never had a Job: it is refused, waits for what is missing, or begins. */
export function beginRestore(moment: RestoreMoment, preparation: Preparation): Decision {
  const { conditions, plan, unresolvable, deadline } = preparation;
  const obstacle = conditions.find(({ status }) => status !== "True");
  if (obstacle?.type === "ValidationPassed" && obstacle.status === "False") return refuse(moment, { conditions, deadline });
  if (deadline !== undefined && moment.now >= deadline) return tooLate(moment, deadline);
  if (obstacle !== undefined) return wait(moment, { conditions, deadline });
  if (plan !== undefined) return { actions: start(moment, { conditions, plan, deadline }) };
  const message = unresolvable ?? "No Job can be made of it";
  const found = changeRestore(moment, (status) => withAll(status, { conditions, now: moment.now }));
  return { actions: [found, ...failRestore(moment, { reason: "FailedToEnsureRestoreExecutor", message })] };
}

/**
 * Its phase is Invalid only once the number of hosts is known. One that its Repository refuses is looked at again: when the Repository changes, and now and then, since nobody tells
 * of the labels of a namespace, which its policy may ask for.
 */
function refuse(moment: RestoreMoment, { conditions, deadline }: Pick<Beginning, "conditions" | "deadline">): Decision {
  const change = (status: Status) => ({ ...withAll(withoutStale(status, conditions), { conditions, now: moment.now }), totalHosts: 1 });
  const actions = [changeRestore(moment, change), ...tellIfNew(moment, conditions)];
  const mayComeRight = conditions.some(({ type }) => type === "RepositoryFound") && !(deadline !== undefined && moment.now >= deadline);
  return mayComeRight ? { actions, wakeAt: new Date(moment.now.getTime() + LAST_LOOK_MS) } : { actions };
}

/** What it waited for did not come in time: nothing was begun, and nothing is. */
function tooLate(moment: RestoreMoment, deadline: Date): Decision {
  const actions = exceedDeadline(moment, deadline);
  return actions.length > 0 ? { actions } : finishRestore(moment, { appBindingTypes: new Map() });
}

const LOOKED_FOR: readonly unknown[] = ["RepositoryFound", "BackendSecretFound", "RestoreTargetFound"];

/** What was missing once and was not looked for this time would make it Pending, as if it might yet begin. */
function withoutStale(status: Status, conditions: readonly Condition[]): Status {
  const isStale = ({ type }: Status) => LOOKED_FOR.includes(type) && !conditions.some((condition) => condition.type === type);
  const stale = listIn(status, "conditions").filter(isStale);
  return stale.length === 0 ? status : { ...status, conditions: listIn(status, "conditions").filter((each) => !stale.includes(each)) };
}

const FIRST_LOOK_MS = 5_000;
const LAST_LOOK_MS = 60_000;

/** As long again as it has been missing. */
function wait(moment: RestoreMoment, { conditions, deadline }: Pick<Beginning, "conditions" | "deadline">): Decision {
  const { session, now } = moment;
  const change = (status: Status) => withAll(status, { conditions, now });
  const last = conditions.at(-1)?.type ?? "";
  const since = findCondition(change(session.status ?? {}), last)?.lastTransitionTime;
  const missingMs = now.getTime() - Date.parse(String(since));
  const waitMs = Math.min(LAST_LOOK_MS, Math.max(FIRST_LOOK_MS, missingMs || 0));
  const wakeMs = Math.min(now.getTime() + waitMs, deadline?.getTime() ?? Number.POSITIVE_INFINITY);
  return { actions: [changeRestore(moment, change), ...tellIfNew(moment, conditions)], wakeAt: new Date(wakeMs) };
}

function tellIfNew(moment: RestoreMoment, conditions: readonly Condition[]): readonly Action[] {
  const condition = conditions.at(-1);
  if (condition === undefined) return [];
  const { type, reason, message } = condition;
  const stands = findCondition(moment.session.status ?? {}, type);
  return stands?.reason === reason && stands.message === message ? [] : [tellOfRestore(moment, { reason, message })];
}

interface Beginning {
  readonly conditions: readonly Condition[];
  readonly plan: RestorePlan;
  readonly deadline: Date | undefined;
}

/**
 * The Job comes last but one, behind the mark that says it was made: cut short between the two, the restore has failed without having begun, and is never done twice. All
 * that the job needs is there before it, and so is what it reads in the status.
 */
function start(moment: RestoreMoment, { conditions, plan, deadline }: Beginning): readonly Action[] {
  const { session, now } = moment;
  const { rights, claim, job, labels } = plan;
  const refused = (message: string) => failRestore(moment, { reason: "FailedToEnsureRestoreExecutor", message });
  const object = identityOf(session);
  const ensured: Condition = {
    type: "RestoreExecutorEnsured",
    status: "True",
    reason: "SuccessfullyEnsuredRestoreExecutor",
    message: `Job "${job.metadata.name}" is created`,
  };
  const begun = (status: Status) => ({
    ...withAll(status, { conditions, now }),
    totalHosts: 1,
    ...(deadline === undefined ? {} : { sessionDeadline: formatTime(deadline) }),
  });
  return [
    { do: "metadata", kind: "RestoreSession", object, change: (live) => withFinalizer(live, labels) },
    ...rights.map((right): Action => ({ do: "ensure", object: right, refused })),
    ...(claim === undefined ? [] : [{ do: "create", object: claim, refused } as const]),
    changeRestore(moment, begun),
    { do: "metadata", kind: "RestoreSession", object, change: (live) => withMark(live, now) },
    { do: "create", object: job, refused },
    changeRestore(moment, (status) => withCondition(status, ensured, now)),
  ];
}

function withAll(status: Status, { conditions, now }: { conditions: readonly Condition[]; now: Date }): Status {
  return conditions.reduce((changed, condition) => withCondition(changed, condition, now), status);
}

function withFinalizer(live: LiveObject, labels: Readonly<Record<string, string>>): LiveObject {
  assertNotDeleted(live);
  const { finalizers = [] } = live.metadata;
  return {
    ...live,
    metadata: {
      ...live.metadata,
      ...(Object.keys(labels).length === 0 ? {} : { labels: { ...live.metadata.labels, ...labels } }),
      finalizers: finalizers.includes(FINALIZER) ? finalizers : [...finalizers, FINALIZER],
    },
  };
}

/** Only whoever writes the mark makes the Job. @throws ClusterUnavailableError when it is there: somebody else makes it, or has made it */
function withMark(live: LiveObject, now: Date): LiveObject {
  assertNotDeleted(live);
  if (isMarked(live)) {
    throw new ClusterUnavailableError(
      `Somebody else has begun RestoreSession "${live.metadata.namespace}/${live.metadata.name}" meanwhile`,
    );
  }
  return marked(live, now);
}

function assertNotDeleted(live: LiveObject): void {
  if (isBeingDeleted(live))
    throw new ClusterUnavailableError(`RestoreSession "${live.metadata.namespace}/${live.metadata.name}" was deleted meanwhile`);
}
