import { ParameterError } from "./errors.ts";
import type { Cluster, ClusterEvent, ObjectName, RestoreSession, Status } from "./kubernetes/cluster.ts";
import { completedRestore } from "./kubernetes/status.ts";
import type { Condition } from "./kubernetes/status-condition.ts";
import { type HostStats, withRestoreHostStats } from "./kubernetes/status-hosts.ts";
import { openSessionObject, type SessionObject, type SessionOptions, type WriteOptions } from "./session-object.ts";

/** The session of a restore, as seen by its run. Each write leaves everything of others as it is. */
export interface RestoreSessionWriter {
  readonly name: ObjectName;
  readonly uid: string | undefined;
  readonly created: Date;
  /** As it was when the session was opened; nobody may change it. */
  readonly spec: RestoreSession["spec"];
  /** Waits until the operator has said how many hosts there are. @throws ParameterError with reason "TargetNotInSession" */
  waitForTarget(): Promise<{ readonly totalHosts: number }>;
  /** The outcome; goes on after the run's abort, until `lastWordMs` later. */
  hostStats(stats: HostStats): Promise<void>;
  condition(condition: Condition, options?: WriteOptions): Promise<void>;
  /** Goes on after the run's abort, but not for long; a failure is a warning. */
  event(type: ClusterEvent["type"], reason: string, message: string): Promise<void>;
}

/** @throws ParameterError when there is no such session, or it is not valid */
export async function openRestoreSession(cluster: Cluster, options: SessionOptions): Promise<RestoreSessionWriter> {
  const session = await openSessionObject<RestoreSession>(cluster, options, {
    kind: "RestoreSession",
    read: (from, ...parameters) => from.restoreSession(...parameters),
    complete: completedRestore,
  });
  return {
    name: session.name,
    uid: session.uid,
    created: session.created,
    spec: session.object.spec,
    waitForTarget: () => waitForTarget(session),
    hostStats: (stats) => session.write((status) => withRestoreHostStats(status, session.redactStats(stats)), { afterAbort: true }),
    condition: (condition, write) => session.writeCondition(condition, write),
    event: (...event) => session.event(...event),
  };
}

async function waitForTarget(session: SessionObject<RestoreSession>): Promise<{ readonly totalHosts: number }> {
  const { firstPollMs, lastPollMs, targetWaitMs } = session.delays;
  const look = ({ totalHosts }: Status) => (typeof totalHosts === "number" ? { totalHosts } : undefined);
  const wait = { firstMs: firstPollMs, lastMs: lastPollMs, boundMs: targetWaitMs, for: "the session to name our target" };
  const target = await session.poll(look, wait);
  if (target !== undefined) return target;
  const { namespace, name } = session.name;
  throw new ParameterError(`RestoreSession "${namespace}/${name}" has no totalHosts in its status`, {
    reason: "TargetNotInSession",
    hint: "The operator writes it after it made the Job: does the operator run?",
  });
}
