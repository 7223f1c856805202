// A cluster in memory with one BackupConfiguration and everything it names; passes of a reconciler over it, written by the real apply/.

import { type Decision, NOTHING } from "../../../operator/action.ts";
import { applyActions } from "../../../operator/apply/apply-actions.ts";
import { EventTeller } from "../../../operator/apply/event-teller.ts";
import { KINDS, type WatchedKind } from "../../../operator/kinds.ts";
import type { Fields, LiveObject, WantedObject } from "../../../operator/objects.ts";
import type { OperatorSettings } from "../../../operator/settings.ts";
import type { Reconciler, World } from "../../../operator/world.ts";
import { ParameterError } from "../../../runner/errors.ts";
import type { Log } from "../../../runner/function.ts";
import type { Cluster, ObjectName } from "../../../runner/kubernetes/cluster.ts";
import { FakeClock } from "../../fakes/fake-clock.ts";
import { matches } from "../../fakes/memory-objects.ts";
import { MemoryObjectsApi } from "../../fakes/memory-objects-api.ts";

export const SETTINGS: OperatorSettings = {
  image: "registry.example/holdfast:1",
  namespace: "backups",
  pushgatewayUrl: undefined,
  jobClusterRole: "holdfast-job",
  pendingTimeoutMs: 1_800_000,
  waitingTimeoutMs: 300_000,
};

export const QUIET: Log = { debug() {}, info() {}, warn() {}, error() {} };
export const NIGHTLY: ObjectName = { namespace: "shop", name: "nightly" };
export const VAULT: ObjectName = { namespace: "shop", name: "vault" };

const stash = "stash.appscode.com/v1beta1";

export function backupConfiguration(spec: Fields = {}, metadata: Fields = {}): WantedObject {
  return {
    apiVersion: stash,
    kind: "BackupConfiguration",
    metadata: { ...NIGHTLY, labels: { team: "carts" }, ...metadata },
    spec: {
      schedule: "0 3 * * *",
      repository: { name: "vault" },
      target: { ref: { apiVersion: "appcatalog.appscode.com/v1alpha1", kind: "AppBinding", name: "carts" } },
      task: { name: "redis-backup-7.0.5" },
      retentionPolicy: { name: "keep", keepLast: 5, prune: true },
      ...spec,
    },
  };
}

export function repository(spec: Fields = {}, name: ObjectName = VAULT): WantedObject {
  const backend = { storageSecretName: "vault-key", s3: { endpoint: "s3:9000", bucket: "vault" } };
  return { apiVersion: "stash.appscode.com/v1alpha1", kind: "Repository", metadata: { ...name }, spec: { backend, ...spec } };
}

export function appBinding(spec: Fields = {}, name: ObjectName = { namespace: "shop", name: "carts" }): WantedObject {
  return {
    apiVersion: "appcatalog.appscode.com/v1alpha1",
    kind: "AppBinding",
    metadata: { ...name },
    spec: { clientConfig: { url: "redis://carts:6379" }, secret: { name: "carts-login" }, ...spec },
  };
}

export interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

export class InvokerWorld {
  readonly clock = new FakeClock();
  readonly api = new MemoryObjectsApi({ clock: this.clock });
  readonly secrets = new Set(["shop/vault-key", "shop/carts-login"]);
  readonly namespaceLabels = new Map<string, Readonly<Record<string, string>>>();
  readonly #events = new EventTeller(this.api, QUIET);

  /** Everything but the BackupConfiguration. */
  static furnished(): InvokerWorld {
    const world = new InvokerWorld();
    world.api.put(repository());
    world.api.put(appBinding());
    return world;
  }

  /** What reconcilers see: caches that never lag. */
  get world(): World {
    const { api } = this;
    const cachedAll = (kind: WatchedKind) => {
      const { labelSelector }: { readonly labelSelector?: string } = KINDS[kind].watch;
      return api.all(kind).filter(({ metadata }) => matches(metadata.labels, labelSelector));
    };
    return {
      cached: (kind, { namespace, name }) =>
        cachedAll(kind).find(({ metadata }) => (metadata.namespace ?? "") === namespace && metadata.name === name),
      cachedIn: (kind, namespace) => cachedAll(kind).filter(({ metadata }) => metadata.namespace === namespace),
      cachedAll,
      live: (kind, name) => api.get(kind, name),
      liveIn: async (kind, namespace) => (await api.list(kind, { namespace })).items,
      cluster: this.#cluster(),
      settings: SETTINGS,
      now: () => this.clock.now(),
    };
  }

  /** One look, and what follows from it. */
  async pass(reconciler: Reconciler, name: ObjectName): Promise<Decision> {
    const decision = await reconciler.reconcile(name, this.world);
    await applyActions(decision.actions, {
      api: this.api,
      cached: this.world.cached,
      events: this.#events,
      pushgatewayUrl: undefined,
      signal: new AbortController().signal,
      wrote: () => undefined,
    });
    return decision;
  }

  /** Passes until one has nothing to write; resolves with that one. @throws when there is no end of it */
  async settle(reconciler: Reconciler, name: ObjectName): Promise<Decision> {
    let decision = NOTHING;
    for (let passes = 0; passes < 8; passes += 1) {
      const before = this.api.writes.length;
      decision = await this.pass(reconciler, name);
      if (this.api.writes.length === before) return decision;
    }
    throw new Error(`Passes go on writing: ${JSON.stringify(this.api.writes.slice(-3).map(({ verb, kind, name }) => [verb, kind, name]))}`);
  }

  get nightly(): LiveObject {
    return this.api.peek("BackupConfiguration", NIGHTLY) as LiveObject;
  }

  /** Conditions of the BackupConfiguration by type. */
  get conditions(): Readonly<Record<string, Condition>> {
    const list = (this.nightly.status?.conditions ?? []) as readonly Condition[];
    return Object.fromEntries(list.map((condition) => [condition.type, condition]));
  }

  /** "ServiceAccount shop/nightly" of everything of these kinds. */
  names(...kinds: readonly WatchedKind[]): readonly string[] {
    return kinds.flatMap((kind) => this.api.all(kind).map(({ metadata }) => `${kind} ${metadata.namespace}/${metadata.name}`)).toSorted();
  }

  get events(): readonly Fields[] {
    return this.api.all("Event");
  }

  #cluster(): Cluster {
    const missing = (label: string) => new ParameterError(`Cannot find ${label} in the cluster`, { reason: "ObjectNotFound" });
    return {
      secret: async ({ namespace, name }: ObjectName) => {
        if (!this.secrets.has(`${namespace}/${name}`)) throw missing(`Secret "${namespace}/${name}"`);
        return new Map();
      },
      namespaceLabels: async (name: string) => ({ ...this.namespaceLabels.get(name), "kubernetes.io/metadata.name": name }),
    } as unknown as Cluster;
  }
}
