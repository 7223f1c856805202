// A cluster in memory with one database, one Repository and one RestoreSession, and the operator's passes over the latter.
import { applyActions } from "../../../../operator/apply/apply-actions.ts";
import { EventTeller } from "../../../../operator/apply/event-teller.ts";
import type { JOB_CREATED } from "../../../../operator/names.ts";
import type { Fields, LiveObject, WantedObject } from "../../../../operator/objects.ts";
import { reconcileRestoreSession } from "../../../../operator/reconcile-restore-session.ts";
import type { World } from "../../../../operator/world.ts";
import { ParameterError } from "../../../../runner/errors.ts";
import type { Log } from "../../../../runner/function.ts";
import type { Cluster, ObjectName } from "../../../../runner/kubernetes/cluster.ts";
import { type ObjectKind, type ObjectOf, parseObject } from "../../../../runner/kubernetes/parse-object.ts";
import { findCondition } from "../../../../runner/kubernetes/status-condition.ts";
import { MemoryObjectsApi } from "../../../fakes/memory-objects-api.ts";
import { at, settings } from "./executor-cases.ts";

export const NAME = { namespace: "shop", name: "back" };
const JOB = { namespace: "shop", name: "stash-restore-back-0" };

export class RestoreCase {
  /** Seconds since the session was made. */
  seconds = 0;
  readonly api = new MemoryObjectsApi({ clock: { now: () => at(this.seconds) } as never });
  readonly secrets = new Set(["vault-key"]);
  pushgatewayUrl: string | undefined;
  readonly cluster: Cluster = clusterOf(this);
  readonly #events = new EventTeller(this.api, silent);

  constructor(spec: Fields = {}, changes: Changes = {}) {
    for (const object of [
      repository(changes.repository),
      appBinding(changes.appBinding),
      task,
      fn("redis-restore-1"),
      fn("update-status"),
    ]) {
      this.api.put(object);
    }
    this.api.put(restoreSession(spec));
  }

  get session(): LiveObject {
    const session = this.api.peek("RestoreSession", NAME);
    if (session === undefined) throw new Error("The session is gone");
    return session;
  }

  get status(): Fields {
    return this.session.status ?? {};
  }

  get job(): LiveObject | undefined {
    return this.api.peek("Job", JOB);
  }

  get jobsMade(): number {
    return this.api.writes.filter(({ verb, kind }) => verb === "create" && kind === "Job").length;
  }

  get events(): readonly string[] {
    return this.api.all("Event").map(({ reason }) => String(reason));
  }

  condition(type: string): Fields | undefined {
    return findCondition(this.status, type);
  }

  has(mark: typeof JOB_CREATED): boolean {
    return this.session.metadata.annotations?.[mark] !== undefined;
  }

  putStatus(change: Fields): void {
    this.api.putStatus("RestoreSession", NAME, { ...this.status, ...change });
  }

  putJob(status: Fields): void {
    this.api.putStatus("Job", JOB, status);
  }

  /** A pod of the Job's. */
  putPod(template: LiveObject): void {
    const owner = {
      apiVersion: "batch/v1",
      kind: "Job",
      name: JOB.name,
      uid: this.job?.metadata.uid ?? "",
      controller: true,
      blockOwnerDeletion: true,
    };
    this.api.put({ ...template, metadata: { ...template.metadata, ownerReferences: [owner] } } as unknown as WantedObject);
  }

  /** One look, and what is done after it; resolves with the time of the next look. */
  async pass(): Promise<Date | undefined> {
    const { actions, wakeAt } = await reconcileRestoreSession.reconcile(NAME, this.#world());
    const cached = (kind: Parameters<World["cached"]>[0], name: ObjectName) => this.api.peek(kind, name);
    const signal = new AbortController().signal;
    await applyActions(actions, { api: this.api, cached, signal, events: this.#events, pushgatewayUrl: undefined, wrote: () => undefined });
    return wakeAt;
  }

  /** Until a look finds nothing more to do; a pass that fails, or is killed, is followed by another. */
  async settle(): Promise<void> {
    for (let passes = 0; passes < 20; passes++) {
      const before = this.api.writes.length;
      const failure = await this.pass().then(
        () => undefined,
        (error: unknown) => error,
      );
      if (failure === undefined && this.api.writes.length === before) return;
    }
    throw new Error(`It does not come to rest: ${JSON.stringify(this.status)}`);
  }

  #world(): World {
    const list = (kind: Parameters<World["cachedAll"]>[0]) => this.api.all(kind);
    return {
      cached: (kind, name) => this.api.peek(kind, name),
      cachedIn: (kind, namespace) => list(kind).filter(({ metadata }) => metadata.namespace === namespace),
      cachedAll: list,
      live: (kind, name) => this.api.get(kind, name),
      liveIn: async (kind, namespace, labelSelector) => (await this.api.list(kind, { namespace, labelSelector })).items,
      cluster: this.cluster,
      settings: {
        ...settings,
        image: "registry.example/own:1",
        namespace: "stash",
        pushgatewayUrl: this.pushgatewayUrl,
        jobClusterRole: "holdfast-job",
      },
      now: () => at(this.seconds),
    };
  }
}

interface Changes {
  readonly repository?: WantedObject | undefined;
  readonly appBinding?: WantedObject | undefined;
}

const silent: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined } as never;

const STASH = "stash.appscode.com/v1beta1";

export function restoreSession(spec: Fields = {}): WantedObject {
  const ref = { apiVersion: "appcatalog.appscode.com/v1alpha1", kind: "AppBinding", name: "carts" };
  return {
    apiVersion: STASH,
    kind: "RestoreSession",
    metadata: { ...NAME, labels: { team: "carts" } },
    spec: { repository: { name: "vault" }, target: { ref }, task: { name: "redis-restore-1" }, ...spec },
  };
}

export function repository(given?: WantedObject): WantedObject {
  return (
    given ?? {
      apiVersion: "stash.appscode.com/v1alpha1",
      kind: "Repository",
      metadata: { name: "vault", namespace: "shop" },
      spec: { backend: { storageSecretName: "vault-key", s3: { endpoint: "s3:9000", bucket: "vault" } } },
    }
  );
}

export function appBinding(given?: WantedObject): WantedObject {
  return (
    given ?? {
      apiVersion: "appcatalog.appscode.com/v1alpha1",
      kind: "AppBinding",
      metadata: { name: "carts", namespace: "shop" },
      spec: { type: "redis", clientConfig: { url: "redis://carts:6379" }, secret: { name: "carts-auth" } },
    }
  );
}

const task: WantedObject = {
  apiVersion: STASH,
  kind: "Task",
  metadata: { name: "redis-restore-1" },
  spec: { steps: [{ name: "redis-restore-1" }, { name: "update-status" }] },
};

function fn(name: string): WantedObject {
  return {
    apiVersion: STASH,
    kind: "Function",
    metadata: { name },
    spec: { image: "registry.example/own:1", args: [`--session=\${RESTORE_SESSION}`, `--gateway=\${PROMETHEUS_PUSHGATEWAY_URL:=}`] },
  };
}

function clusterOf(of: RestoreCase): Cluster {
  const read = async <K extends ObjectKind>(kind: K, name: ObjectName): Promise<ObjectOf<K>> => {
    const object = of.api.peek(kind as never, name);
    if (object === undefined) throw missing(kind, name);
    return parseObject(kind, object, { name: name.name });
  };
  const cluster: Pick<Cluster, "repository" | "appBinding" | "task" | "stashFunction" | "secret" | "namespaceLabels"> = {
    repository: (name) => read("Repository", name),
    appBinding: (name) => read("AppBinding", name),
    task: (name) => read("Task", { namespace: "", name }),
    stashFunction: (name) => read("Function", { namespace: "", name }),
    namespaceLabels: async () => ({}),
    secret: async (name) => {
      if (!of.secrets.has(name.name)) throw missing("Secret", name);
      return new Map();
    },
  };
  return cluster as Cluster;
}

function missing(kind: string, { namespace, name }: ObjectName): ParameterError {
  return new ParameterError(`${kind} "${namespace}/${name}" is missing`, { reason: "ObjectNotFound" });
}
