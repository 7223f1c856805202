// A namespace of its own for each case, with a database that is backed up: an AppBinding "database" and a BackupConfiguration "nightly" that never fires by itself.
import { type OperatorScene, STASH } from "../e2e/kubernetes/operator-scene.ts";
import { appBinding, backupConfiguration, backupSession, secret } from "../e2e/kubernetes/seed-objects.ts";
import { endOf, statusOf } from "../e2e/kubernetes/session-end.ts";
import { withDiagnosis } from "../e2e/kubernetes/with-diagnosis.ts";
import type { KubernetesObject } from "../servers/kubernetes/kubernetes-objects.ts";
import { type ObjectReference, waitForObject } from "../servers/kubernetes/wait-for-object.ts";
import type { RedisServer } from "../servers/redis-server.ts";

export const BETA = `${STASH}/v1beta1`;
export const PASSWORD = "a-password-of-a-database";
export const BACKUP_TASK = "holdfast-redis-backup";
/** Nobody waits for the next one. */
const YEARLY = "0 0 1 1 *";

export interface FaultParts {
  readonly scene: OperatorScene;
  /** With `PASSWORD`. */
  readonly redis: RedisServer;
}

export interface ConfigurationOptions {
  readonly name?: string;
  readonly task?: string;
  readonly repository?: string;
  /** Further fields of the spec. */
  readonly spec?: Readonly<Record<string, unknown>>;
}

export interface FaultPlace extends FaultParts {
  readonly namespace: string;
  readonly nightly: Omit<Parameters<typeof backupConfiguration>[0], "schedule" | "spec">;
  session(name: string): ObjectReference;
  configuration(name?: string): ObjectReference;
  /** Resolves with it as it is stored, without waiting for the operator. */
  apply(options?: ConfigurationOptions): Promise<KubernetesObject>;
  /** The same, and resolves once the operator calls it Ready. */
  configure(options?: ConfigurationOptions): Promise<void>;
  /** A BackupSession made by hand. */
  start(name: string, options?: { readonly configuration?: string; readonly retryLeft?: number }): Promise<void>;
  end(name: string, wanted?: string): Promise<KubernetesObject>;
  /** The Jobs of sessions that are there now. */
  jobs(): Promise<readonly KubernetesObject[]>;
  /** The session's pods that are there now. */
  pods(session: string): Promise<readonly KubernetesObject[]>;
  kubectl(...args: readonly string[]): Promise<string>;
}

/** The body of a test, in a place of its own; when it fails, everything that was said there is part of the error. */
export function inPlace(parts: () => FaultParts, body: (place: FaultPlace) => Promise<void>): () => Promise<void> {
  return async () => {
    const { scene } = parts();
    const place = await makePlace(parts());
    await withDiagnosis(scene, place.namespace, () => body(place));
  };
}

async function makePlace({ scene, redis }: FaultParts): Promise<FaultPlace> {
  const namespace = await scene.makeNamespace();
  const { objects } = scene;
  const url = `redis://${await scene.reach(redis.port)}`;
  await objects.apply(secret(namespace, "redis-auth", { password: PASSWORD }));
  await objects.apply(appBinding({ namespace, name: "database", type: "redis", url, secret: "redis-auth" }));
  const nightly = { namespace, name: "nightly", appBinding: "database", repository: "cellar", task: BACKUP_TASK };
  const session = (name: string) => ({ apiVersion: BETA, kind: "BackupSession", metadata: { namespace, name } });
  const configuration = (name = "nightly") => ({ apiVersion: BETA, kind: "BackupConfiguration", metadata: { namespace, name } });
  const apply = (options: ConfigurationOptions = {}) => objects.apply(backupConfiguration({ ...nightly, ...options, schedule: YEARLY }));
  return {
    ...{ scene, redis, namespace, nightly, session, configuration, apply },
    configure: async (options = {}) => {
      const { generation } = (await apply(options)).metadata;
      const isSeen = ({ status }: KubernetesObject) =>
        (status as { observedGeneration?: number } | undefined)?.observedGeneration === generation;
      await waitForObject(objects, configuration(options.name), (each) => isSeen(each) && statusOf(each).phase === "Ready");
    },
    start: async (name, options = {}) => {
      const { spec, ...session } = backupSession(namespace, name, options.configuration ?? "nightly");
      await objects.apply({ ...session, spec: { ...(spec as object), retryLeft: options.retryLeft ?? 0 } });
    },
    end: (name, wanted = "Succeeded") => endOf(objects, session(name), { wanted }),
    jobs: async () =>
      (await objects.list("batch/v1", "Job", namespace)).filter(({ metadata }) => metadata.name.startsWith("stash-backup-")),
    pods: async (name) => {
      const label = (pod: KubernetesObject) =>
        (pod.metadata.labels as Readonly<Record<string, string>> | undefined)?.["batch.kubernetes.io/job-name"];
      return (await objects.list("v1", "Pod", namespace)).filter((pod) => label(pod) === `stash-backup-${name}-0`);
    },
    kubectl: (...args) => scene.node.kubectl(["--namespace", namespace, ...args]),
  };
}
