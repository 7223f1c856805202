// A cluster in memory in which BackupSessions live: passes that may be cut short at any write, and Jobs whose pods end as a script says.

import type { Decision } from "../../../operator/action.ts";
import { applyActions } from "../../../operator/apply/apply-actions.ts";
import { EventTeller } from "../../../operator/apply/event-teller.ts";
import { backupSessionFor } from "../../../operator/build/backup-session.ts";
import { KINDS, type WatchedKind } from "../../../operator/kinds.ts";
import { type Fields, isBeingDeleted, type LiveObject } from "../../../operator/objects.ts";
import { reconcileBackupSession } from "../../../operator/reconcile-backup-session.ts";
import type { World } from "../../../operator/world.ts";
import { ClusterUnavailableError, ParameterError } from "../../../runner/errors.ts";
import type { Cluster, ObjectName, StatusChange } from "../../../runner/kubernetes/cluster.ts";
import { parseObject } from "../../../runner/kubernetes/parse-object.ts";
import { completedBackup } from "../../../runner/kubernetes/status.ts";
import { withCondition } from "../../../runner/kubernetes/status-condition.ts";
import { type HostStats, withHostStats } from "../../../runner/kubernetes/status-hosts.ts";
import { type OutcomeType, outcomeCondition } from "../../../runner/kubernetes/status-outcome.ts";
import type { TargetRef } from "../../../runner/kubernetes/status-target.ts";
import { FakeClock } from "../../fakes/fake-clock.ts";
import { matches } from "../../fakes/memory-objects.ts";
import { MemoryObjectsApi } from "../../fakes/memory-objects-api.ts";
import { appBinding, backupConfiguration, NIGHTLY, QUIET, repository, SETTINGS } from "./invoker-world.ts";

const STASH = "stash.appscode.com/v1beta1";
export const TARGET: TargetRef = { apiVersion: "appcatalog.appscode.com/v1alpha1", kind: "AppBinding", namespace: "shop", name: "carts" };

/** The operator's process is gone. */
export class Killed extends Error {}

export class SessionWorld {
  readonly clock = new FakeClock();
  readonly api = new MemoryObjectsApi({ clock: this.clock });
  readonly tasks = new Map<string, Fields>([["redis-backup-7.0.5", { steps: [{ name: "backup" }] }]]);
  readonly functions = new Map<string, Fields>([["backup", { image: "registry.example/holdfast:1", args: ["holdfast"] }]]);
  /** Uids of all Jobs that were ever made, by the session that they are for. */
  readonly jobs = new Map<string, Set<string>>();
  #events = new EventTeller(this.api, QUIET);
  /** What the cache of pods has not seen yet. */
  arePodsLate = false;
  #writesLeft = Number.POSITIVE_INFINITY;

  constructor(spec: Fields = {}) {
    this.api.put(repository());
    this.api.put(appBinding());
    this.api.put({ ...backupConfiguration(spec), status: { phase: "Ready", observedGeneration: 1 } });
    const countDown = () => {
      this.#writesLeft -= 0.5;
      if (this.#writesLeft < 0) throw new Killed("The process was killed");
    };
    this.api.beforeWrite(countDown);
    this.api.afterWrite(() => {
      for (const job of this.api.all("Job")) {
        const owner = job.metadata.ownerReferences?.[0]?.name ?? "";
        this.jobs.set(owner, (this.jobs.get(owner) ?? new Set()).add(job.metadata.uid));
      }
      countDown();
    });
  }

  get nightly(): LiveObject {
    return this.api.peek("BackupConfiguration", NIGHTLY) as LiveObject;
  }

  newSession(name: string, retryLeft = 0): ObjectName {
    this.api.put(backupSessionFor(this.nightly, { name, retryLeft }));
    return { namespace: "shop", name };
  }

  session(name: ObjectName): LiveObject {
    const session = this.api.peek("BackupSession", name);
    if (session === undefined) throw new Error(`BackupSession "${name.name}" is gone`);
    return session;
  }

  get sessions(): readonly LiveObject[] {
    return this.api.all("BackupSession").filter((session) => !isBeingDeleted(session));
  }

  decide(name: ObjectName): Promise<Decision> {
    return reconcileBackupSession.reconcile(name, this.world);
  }

  /** One look, and what follows from it; the process dies after so many halves of a write: before it, or after it without an answer. */
  async pass(name: ObjectName, halvesOfWrites = Number.POSITIVE_INFINITY): Promise<Decision | undefined> {
    const decision = await this.decide(name);
    return this.apply(decision, halvesOfWrites);
  }

  async apply(decision: Decision, halvesOfWrites = Number.POSITIVE_INFINITY): Promise<Decision | undefined> {
    this.#writesLeft = halvesOfWrites / 2;
    try {
      await applyActions(decision.actions, {
        api: this.api,
        cached: this.world.cached,
        events: this.#events,
        pushgatewayUrl: undefined,
        signal: new AbortController().signal,
        wrote: () => undefined,
      });
      return decision;
    } catch (error) {
      // A pass that ends early is tried again, by whomsoever.
      if (error instanceof ClusterUnavailableError) return undefined;
      if (!(error instanceof Killed)) throw error;
      this.#events = new EventTeller(this.api, QUIET);
      return undefined;
    } finally {
      this.#writesLeft = Number.POSITIVE_INFINITY;
    }
  }

  /** What the run in the pod writes. @throws ParameterError when its target has no orders */
  write(name: ObjectName, change: StatusChange): void {
    const session = this.session(name);
    const times = { created: new Date(session.metadata.creationTimestamp), now: this.clock.now() };
    this.api.putStatus("BackupSession", name, completedBackup(change(session.status ?? {}), times));
  }

  tellHost(name: ObjectName, stats: HostStats): void {
    this.write(name, (status) => withHostStats(status, TARGET, stats));
  }

  tell(name: ObjectName, type: OutcomeType): void {
    this.write(name, (status) => withCondition(status, outcomeCondition(type, { isSuccess: true, message: "" }), this.clock.now()));
  }

  get world(): World {
    const { api } = this;
    const cachedAll = (kind: WatchedKind) => {
      const { labelSelector }: { readonly labelSelector?: string } = KINDS[kind].watch;
      if (kind === "Pod" && this.arePodsLate) return [];
      return api.all(kind).filter(({ metadata }) => matches(metadata.labels, labelSelector));
    };
    return {
      cached: (kind, { namespace, name }) =>
        cachedAll(kind).find(({ metadata }) => metadata.namespace === namespace && metadata.name === name),
      cachedIn: (kind, namespace) => cachedAll(kind).filter(({ metadata }) => metadata.namespace === namespace),
      cachedAll,
      live: (kind, name) => api.get(kind, name),
      liveIn: async (kind, namespace, labelSelector) => (await api.list(kind, { namespace, labelSelector })).items,
      cluster: this.#cluster(),
      settings: SETTINGS,
      now: () => this.clock.now(),
    };
  }

  #cluster(): Cluster {
    const missing = (label: string) => new ParameterError(`Cannot find ${label}`, { reason: "ObjectNotFound" });
    const read = (kind: "Repository" | "AppBinding", { namespace, name }: ObjectName) => {
      const live = this.api.peek(kind, { namespace, name });
      if (live === undefined) throw missing(`${kind} "${namespace}/${name}"`);
      return parseObject(kind, live, { name });
    };
    const template = (kind: "Task" | "Function", name: string, spec: Fields | undefined) => {
      if (spec === undefined) throw missing(`${kind} "${name}"`);
      return parseObject(kind, { apiVersion: STASH, kind, metadata: { name }, spec }, { name });
    };
    return {
      repository: async (name: ObjectName) => read("Repository", name),
      appBinding: async (name: ObjectName) => read("AppBinding", name),
      task: async (name: string) => template("Task", name, this.tasks.get(name)),
      stashFunction: async (name: string) => template("Function", name, this.functions.get(name)),
    } as unknown as Cluster;
  }
}
