import { ParameterError } from "../../runner/errors.ts";
import type { Status } from "../../runner/kubernetes/cluster.ts";
import type { RunRequest } from "../../runner/kubernetes/resolve-request.ts";
import type { Condition } from "../../runner/kubernetes/status-condition.ts";
import type { Action, Decision } from "../action.ts";
import { triggerCronJob, triggerName } from "../build/cron-job.ts";
import { jobRights } from "../build/job-rbac.ts";
import { triggerRights } from "../build/trigger-rbac.ts";
import type { KindName } from "../kinds.ts";
import { FINALIZER } from "../names.ts";
import { identityOf, type LiveObject, type WantedObject } from "../objects.ts";
import type { OperatorSettings } from "../settings.ts";
import { foundConditions, validationCondition } from "./configuration-conditions.ts";
import { addFinalizer } from "./finalizers.ts";
import { invokerChange, statusActions } from "./invoker-status.ts";
import { judgeConfiguration } from "./judge-configuration.ts";
import type { ObservedConfiguration } from "./observed-configuration.ts";
import { referenceTo, withoutReference, withReference } from "./repository-references.ts";
import { sentence } from "./sentence.ts";
import { wakeWhileMissing } from "./wake-while-missing.ts";

const CRON_JOB = { type: "CronJobCreated" } as const;
const AWAITED = ["RepositoryFound", "BackendSecretFound", "BackupTargetFound", "CronJobCreated"];

/** From a BackupConfiguration to its CronJob, or to the reason why there is none. What exists already goes on while something is missing; pausing always works. */
export function decideBackupConfiguration(observed: ObservedConfiguration, now: Date, settings: OperatorSettings): Decision {
  const { object } = observed;
  const verdict = judge(observed, settings);
  const conditions = [...foundConditions(observed), validationCondition(verdict, observed)];
  const generation = verdict.fault === undefined ? undefined : object.metadata.generation;
  const said = statusActions(object, [invokerChange({ conditions, generation }, now)]);
  return {
    actions: [
      ...suspend(observed),
      ...addFinalizer(object, FINALIZER),
      ...keepReferences(observed),
      ...said.actions,
      ...(verdict.plan === undefined ? revoke(observed) : carryOut(verdict.plan, { observed, status: said.status, now })),
    ],
    wakeAt: wakeWhileMissing(said.status, observed.usageFault === undefined ? AWAITED : [...AWAITED, "ValidationPassed"], now),
  };
}

interface Plan {
  readonly rights: readonly WantedObject[];
  readonly cronJob: WantedObject;
}

export interface ConfigurationVerdict {
  /** Why no backup could come of it. */
  readonly fault: string | undefined;
  /** Present when there is no fault and nothing is missing. */
  readonly plan: Plan | undefined;
}

function judge(observed: ObservedConfiguration, settings: OperatorSettings): ConfigurationVerdict {
  const { parsed, repository, target, secret, usageFault } = observed;
  if (typeof parsed === "string") return { fault: parsed, plan: undefined };
  try {
    const there = repository?.kind === "there" ? repository.value.parsed : undefined;
    const appBinding = target?.kind === "there" ? target.value.parsed : undefined;
    const request = judgeConfiguration(parsed, { repository: there, appBinding });
    if (usageFault !== undefined) return { fault: usageFault, plan: undefined };
    if (there === undefined || appBinding === undefined || secret?.kind !== "there") return { fault: undefined, plan: undefined };
    const { schedule = "", paused = false } = parsed.spec;
    const invoker = observed.object;
    return {
      fault: undefined,
      plan: {
        rights: [...jobRights(request, { invoker, appBinding, repository: there, settings }), ...triggerRightsOf(invoker, request)],
        cronJob: triggerCronJob(request, { invoker, schedule, isPaused: paused, settings }),
      },
    };
  } catch (error) {
    if (!(error instanceof ParameterError)) throw error;
    return { fault: sentence(error), plan: undefined };
  }
}

function triggerRightsOf(invoker: LiveObject, request: RunRequest): readonly WantedObject[] {
  const serviceAccount = request.runtimeSettings?.pod?.serviceAccountName || undefined;
  return triggerRights(invoker, { name: triggerName(invoker, request), serviceAccount });
}

/** Before anything that could be refused. */
function suspend({ object, own }: ObservedConfiguration): readonly Action[] {
  const isPaused = object.spec?.paused === true;
  return own.cronJobs
    .filter(({ spec }) => (spec?.suspend === true) !== isPaused)
    .map((cronJob) => ({
      do: "metadata",
      kind: "CronJob",
      object: identityOf(cronJob),
      change: (live) => ((live.spec?.suspend === true) === isPaused ? live : { ...live, spec: { ...live.spec, suspend: isPaused } }),
    }));
}

/** One that must not be used is not asked to stay for us; one that is being deleted learns of nobody new. */
function keepReferences({ object, repository, usageFault, parsed, own }: ObservedConfiguration): readonly Action[] {
  const reference = referenceTo(object);
  const used = repository?.kind === "there" && usageFault === undefined ? repository.value.live : undefined;
  const named = typeof parsed === "string" ? undefined : parsed.spec.repository;
  const isNamed = ({ metadata }: LiveObject) =>
    metadata.name === named?.name && metadata.namespace === (named?.namespace || object.metadata.namespace);
  // While its own fields cannot be read, nobody knows which Repository it means.
  const left = typeof parsed === "string" ? [] : own.references.filter((each) => !isNamed(each) || usageFault !== undefined);
  return [
    ...(used === undefined ? [] : statusActions(used, [(status) => withReference(status, reference)]).actions),
    ...left.flatMap((each) => statusActions(each, [(status) => withoutReference(status, reference)]).actions),
  ];
}

/** What opens another namespace's Secret is taken back as soon as its owner does not allow it any more, or it is no longer asked for. */
function revoke({ parsed, usageFault, own }: ObservedConfiguration): readonly Action[] {
  const isLeft = ({ metadata }: LiveObject) =>
    usageFault !== undefined || (typeof parsed !== "string" && metadata.namespace !== parsed.spec.repository?.namespace);
  return own.foreignRights.filter(isLeft).map(remove);
}

/** Rights before the CronJob, or its first trigger would fail; the word that all is done comes last. */
function carryOut(
  plan: Plan,
  { observed, status, now }: { readonly observed: ObservedConfiguration; readonly status: Status; readonly now: Date },
): readonly Action[] {
  const { object, own } = observed;
  const { generation } = object.metadata;
  const conclude = (condition: Condition) =>
    statusActions({ ...object, status }, [invokerChange({ conditions: [condition], generation }, now)]).actions;
  const refused = (message: string) => conclude({ ...CRON_JOB, status: "False", reason: "CronJobCreationFailed", message });
  const wanted = [...plan.rights, plan.cronJob];
  const isForeign = plan.rights.some(({ metadata }) => metadata.namespace !== object.metadata.namespace);
  if (isForeign && own.takenBy !== undefined) {
    return refused(
      `The rights in the Repository's namespace would have the name of those of ${own.takenBy}: give this object another name`,
    );
  }
  const left = [...own.cronJobs, ...own.rights, ...own.foreignRights].filter((each) => !wanted.some((one) => isNamesake(one, each)));
  const message = `CronJob "${plan.cronJob.metadata.name}" is there`;
  return [
    ...left.map(remove),
    ...wanted.map((one): Action => ({ do: "ensure", object: one, refused })),
    ...conclude({ ...CRON_JOB, status: "True", reason: "CronJobCreationSucceeded", message }),
  ];
}

function isNamesake({ kind, metadata }: WantedObject, object: LiveObject): boolean {
  return kind === object.kind && metadata.name === object.metadata.name && metadata.namespace === object.metadata.namespace;
}

function remove(object: LiveObject): Action {
  return { do: "remove", kind: object.kind as KindName, object: identityOf(object) };
}
