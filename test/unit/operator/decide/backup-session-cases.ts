// Sessions in all their states, as plain objects; and what becomes of a status when a decision's writes are carried out on it.

import type { Action, Decision } from "../../../../operator/action.ts";
import type { ObservedBackupSession } from "../../../../operator/decide/observed-backup-session.ts";
import type { Fields, LiveObject } from "../../../../operator/objects.ts";
import { completedBackup } from "../../../../runner/kubernetes/status.ts";

export const CREATED = "2026-11-22T03:00:00Z";
export const REF = { apiVersion: "appcatalog.appscode.com/v1alpha1", kind: "AppBinding", name: "carts", namespace: "shop" };

/** Seconds after the session was created. */
export function at(seconds: number): Date {
  return new Date(Date.parse(CREATED) + seconds * 1000);
}

export function configuration(spec: Fields = {}, fields: { readonly status?: Fields; readonly metadata?: Fields } = {}): LiveObject {
  return {
    apiVersion: "stash.appscode.com/v1beta1",
    kind: "BackupConfiguration",
    metadata: {
      ...{
        name: "nightly",
        namespace: "shop",
        uid: "bc-1",
        resourceVersion: "1",
        generation: 1,
        creationTimestamp: "2026-01-01T00:00:00Z",
      },
      ...fields.metadata,
    },
    spec: { schedule: "0 3 * * *", repository: { name: "vault" }, target: { ref: REF }, ...spec },
    status: fields.status ?? { phase: "Ready", observedGeneration: 1 },
  };
}

export interface SessionChoice {
  readonly name?: string;
  /** Seconds after CREATED. */
  readonly age?: number;
  readonly invoker?: string;
  readonly kind?: string;
  readonly retryLeft?: number;
  readonly status?: Fields;
  readonly metadata?: Fields;
}

export function session(choice: SessionChoice = {}): LiveObject {
  const { name = "nightly-1", age = 0, invoker = "nightly", kind = "BackupConfiguration", retryLeft = 0, status, metadata } = choice;
  const labels = {
    "app.kubernetes.io/component": "stash-backup",
    "app.kubernetes.io/managed-by": "stash.appscode.com",
    "stash.appscode.com/invoker-type": kind,
    "stash.appscode.com/invoker-name": invoker,
    "stash.appscode.com/target-kind": REF.kind,
    "stash.appscode.com/target-name": REF.name,
    "stash.appscode.com/target-namespace": REF.namespace,
  };
  const owner = { apiVersion: "stash.appscode.com/v1beta1", kind, name: invoker, uid: "bc-1", controller: true };
  return {
    apiVersion: "stash.appscode.com/v1beta1",
    kind: "BackupSession",
    metadata: {
      ...{ name, namespace: "shop", uid: `u-${name}`, resourceVersion: "1", creationTimestamp: at(age).toISOString() },
      ...{ labels, ownerReferences: [owner], ...metadata },
    },
    spec: { invoker: { apiGroup: "stash.appscode.com", kind, name: invoker }, retryLeft },
    ...(status === undefined ? {} : { status: completedBackup(status, { created: at(age), now: at(age) }) }),
  };
}

export function condition(type: string, status = "True", choice: { reason?: string; message?: string; seconds?: number } = {}): Fields {
  const { reason = "Said", message = "", seconds = 0 } = choice;
  return { type, status, reason, message, lastTransitionTime: at(seconds).toISOString() };
}

export const ACTIONS = ["ApplyRetentionPolicy", "VerifyRepositoryIntegrity", "SendRepositoryMetrics"];
export const SAID = [condition("RetentionPolicyApplied"), condition("RepositoryIntegrityVerified"), condition("RepositoryMetricsPushed")];

/** The entry of a target that has begun. */
export function entry(fields: Fields = {}): Fields {
  const begun = { ref: REF, totalHosts: 1, preBackupActions: ["InitializeBackendRepository"], postBackupActions: ACTIONS };
  return { ...begun, conditions: [condition("BackupExecutorEnsured")], ...fields };
}

export const HOST = { hostname: "host-0", phase: "Succeeded", snapshots: [] };
export const FAILED_HOST = { hostname: "host-0", phase: "Failed", error: "no route" };

export function job(fields: { readonly spec?: Fields; readonly status?: Fields; readonly metadata?: Fields } = {}): LiveObject {
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: {
      ...{ name: "stash-backup-nightly-1-0", namespace: "shop", uid: "j-1", resourceVersion: "1", creationTimestamp: CREATED },
      ...fields.metadata,
    },
    spec: { template: { spec: { containers: [] } }, ...fields.spec },
    status: fields.status ?? { active: 1 },
  };
}

export const START = {
  kind: "parts",
  rights: [{ apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "account", namespace: "shop" } }],
  claim: undefined,
  job: {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name: "stash-backup-nightly-1-0", namespace: "shop" },
    spec: { template: { spec: { containers: [] } } },
  },
} as const;

/** A session that may begin, where nothing else is said. */
export function observed(fields: Partial<ObservedBackupSession> = {}): ObservedBackupSession {
  return {
    session: session(),
    invoker: configuration(),
    target: REF,
    siblings: [],
    rivals: [],
    job: { kind: "absent" },
    executor: { kind: "absent" },
    pods: [],
    start: START,
    appBindingTypes: new Map(),
    ...fields,
  };
}

/** One whose Job is there and works. */
export function working(fields: Partial<ObservedBackupSession> & { readonly status?: Fields } = {}): ObservedBackupSession {
  const { status = {}, ...others } = fields;
  return observed({
    session: session({ status: { targets: [entry()], ...status } }),
    job: { kind: "ours", object: job() },
    executor: { kind: "working" },
    start: undefined,
    ...others,
  });
}

/** What the actions do, in one word each: "status", "create Job", "event Unschedulable". */
export function told({ actions }: Decision): readonly string[] {
  return actions.map((action) => {
    if (action.do === "ensure" || action.do === "create") return `${action.do} ${action.object.kind}`;
    if (action.do === "remove") return `remove ${action.object.name}`;
    return action.do === "event" ? `event ${action.reason}` : action.do;
  });
}

/** The session with every status that the actions write; pushes have no gateway. */
export function carriedOut(before: LiveObject, actions: readonly Action[]): LiveObject {
  let live = before;
  for (const action of actions) {
    if (action.do === "push") live = carriedOut(live, action.afterwards(undefined));
    if (action.do === "metadata") live = action.change(live);
    if (action.do === "status") live = { ...live, status: action.change(live.status ?? {}) };
  }
  return live;
}

export function conditionIn(holder: Fields | undefined, type: string): Fields | undefined {
  return ((holder?.conditions ?? []) as readonly Fields[]).find((each) => each.type === type);
}

export function firstTarget(live: LiveObject): Fields | undefined {
  return (live.status?.targets as readonly Fields[] | undefined)?.[0];
}
