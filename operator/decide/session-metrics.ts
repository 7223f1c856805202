import type { ObjectName, Status } from "../../runner/kubernetes/cluster.ts";
import { completedBackup, completedRestore } from "../../runner/kubernetes/status.ts";
import { isAny, withCondition } from "../../runner/kubernetes/status-condition.ts";
import { listIn } from "../../runner/kubernetes/status-list.ts";
import { outcomeCondition } from "../../runner/kubernetes/status-outcome.ts";
import { restoreTargetPhase } from "../../runner/kubernetes/status-restore-phase.ts";
import type { SessionIdentity, TargetIdentity } from "../../runner/metrics/metric-labels.ts";
import { jobName, sessionGroup, targetGroup } from "../../runner/metrics/push-group.ts";
import {
  backupSessionSamples,
  backupTargetSamples,
  restoreSessionSamples,
  restoreTargetSamples,
  type SessionMetricFacts,
} from "../../runner/metrics/session-samples.ts";
import type { Push } from "../action.ts";
import type { LiveObject } from "../objects.ts";

export interface SessionMetricsOptions {
  /** BackupSession or RestoreSession, all of whose targets have ended, or whose deadline has passed. */
  readonly session: LiveObject;
  /** `spec.type` of the targets' AppBindings, by `bindingKey`; those that are not there have none. */
  readonly appBindingTypes: ReadonlyMap<string, string>;
  readonly now: Date;
}

export interface BackupMetricsOptions extends SessionMetricsOptions {
  /** Gone when somebody deleted it meanwhile: its name then comes from the session, and its Repository is not known. */
  readonly invoker: LiveObject | undefined;
}

/** What a BackupSession pushes at its end: of the session, and of each target. A skipped one has nothing to tell. */
export function backupSessionPushes({ session, invoker, appBindingTypes, now }: BackupMetricsOptions): Push["pushes"] {
  const status: Status = session.status ?? {};
  if (isAny(status, "True", ["BackupSkipped"])) return [];
  const end = completedBackup(withCondition(status, PUSHED, now), { created: createdOf(session), now });
  const targets = listIn(end, "targets");
  const identity = identityOfBackup(session, invoker);
  const facts = sessionFacts({ session, identity, phase: end.phase, targetPhases: targets.map(({ phase }) => String(phase)), now });
  const job = jobName(identity.invoker);
  return [
    { job, group: sessionGroup, samples: backupSessionSamples(facts) },
    ...targets.map(({ ref, phase, totalHosts }) => {
      const target = targetOf(ref, { session, appBindingTypes });
      const samples = backupTargetSamples({ ...identity, target, phase: String(phase), hosts: Number(totalHosts ?? 0), finished: now });
      return { job, group: targetGroup(target), samples };
    }),
  ];
}

/** What a RestoreSession pushes at its end: of the session, and of its one target. */
export function restoreSessionPushes({ session, appBindingTypes, now }: SessionMetricsOptions): Push["pushes"] {
  const status: Status = session.status ?? {};
  const end = completedRestore(withCondition(status, PUSHED, now), { created: createdOf(session), now });
  const phase = restoreTargetPhase(end);
  const spec = session.spec as { readonly target?: { readonly ref?: unknown } } | undefined;
  const invoker = { kind: session.kind, namespace: session.metadata.namespace ?? "", name: session.metadata.name };
  const identity = { invoker, ...repositoryOf(session, invoker.namespace) };
  const facts = sessionFacts({ session, identity, phase: end.phase, targetPhases: [phase], now });
  const target = targetOf(spec?.target?.ref, { session, appBindingTypes });
  const samples = restoreTargetSamples({ ...identity, target, phase, hosts: Number(status.totalHosts ?? 0), finished: now });
  const job = jobName(invoker);
  return [
    { job, group: sessionGroup, samples: restoreSessionSamples(facts) },
    { job, group: targetGroup(target), samples },
  ];
}

export function bindingKey({ namespace, name }: ObjectName): string {
  return `${namespace}/${name}`;
}

/** `spec.type`, empty when it says none. */
export function typeOfBinding(binding: LiveObject): string {
  const type = binding.spec?.type;
  return typeof type === "string" ? type : "";
}

/** The condition that the push leaves behind: with it the rules of the phase say what the session is about to be, and no rule has to be told twice. */
const PUSHED = outcomeCondition("MetricsPushed", { isSuccess: true, message: "" });

interface Foreseen {
  readonly session: LiveObject;
  readonly identity: SessionIdentity;
  readonly phase: unknown;
  readonly targetPhases: readonly string[];
  readonly now: Date;
}

function sessionFacts({ session, identity, phase, targetPhases, now }: Foreseen): SessionMetricFacts {
  const durationMs = Math.max(0, now.getTime() - createdOf(session).getTime());
  return { ...identity, targetPhases, hasFailedOtherwise: phase !== "Succeeded", durationMs, finished: now };
}

function createdOf({ metadata }: LiveObject): Date {
  return new Date(metadata.creationTimestamp);
}

function identityOfBackup(session: LiveObject, invoker: LiveObject | undefined): SessionIdentity {
  const named = session.spec?.invoker as { readonly kind?: string; readonly name?: string } | undefined;
  const namespace = session.metadata.namespace ?? "";
  return { invoker: { kind: named?.kind ?? "", namespace, name: named?.name ?? "" }, ...repositoryOf(invoker, namespace) };
}

function repositoryOf(holder: LiveObject | undefined, namespace: string): Pick<SessionIdentity, "driver" | "repository"> {
  const named = holder?.spec?.repository as { readonly namespace?: string; readonly name?: string } | undefined;
  return { driver: "Restic", repository: { namespace: named?.namespace || namespace, name: named?.name ?? "" } };
}

function targetOf(ref: unknown, { session, appBindingTypes }: Pick<SessionMetricsOptions, "session" | "appBindingTypes">): TargetIdentity {
  const named = ref as { readonly namespace?: string; readonly name?: string } | undefined;
  const name = { namespace: named?.namespace || (session.metadata.namespace ?? ""), name: named?.name ?? "" };
  return { ...name, type: appBindingTypes.get(bindingKey(name)) };
}
