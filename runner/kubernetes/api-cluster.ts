import { ClusterRefusedError, ClusterUnavailableError, ParameterError } from "../errors.ts";
import { ApiClient, type ApiClientOptions } from "./api-client.ts";
import { eventNamespace, eventObject } from "./api-event.ts";
import { Patience } from "./api-patience.ts";
import { type ApiPlace, findApi } from "./api-place.ts";
import { type ApiResource, actionOn, apiResource, collectionPath, objectLabel, objectPath } from "./api-resources.ts";
import { writeStatus } from "./api-status.ts";
import type {
  BackupInvoker,
  BackupInvokerKind,
  Cluster,
  ClusterAction,
  ClusterEvent,
  ClusterOptions,
  ObjectName,
  StatusChange,
  StatusKind,
} from "./cluster.ts";
import { decodeSecret } from "./decode-secret.ts";
import { type ObjectKind, type ObjectOf, objectSchemas, parseObject } from "./parse-object.ts";

export interface ApiClusterOptions extends ApiPlace, ApiClientOptions {
  readonly signal?: AbortSignal | undefined;
  /** Of verbs that are asked for without their own. */
  readonly defaults?: ClusterOptions | undefined;
}

const EVENTS: ApiResource = { kind: "Event", group: "", version: "v1", plural: "events", isNamespaced: true };
const REVIEWS: ApiResource = {
  kind: "SelfSubjectAccessReview",
  group: "authorization.k8s.io",
  version: "v1",
  plural: "selfsubjectaccessreviews",
  isNamespaced: false,
};
const IDENTITIES: ApiResource = {
  kind: "SelfSubjectReview",
  group: "authentication.k8s.io",
  version: "v1",
  plural: "selfsubjectreviews",
  isNamespaced: false,
};

/**
 * The cluster behind a Kubernetes API. Nothing is asked of it yet: the first verb is the first request. Nothing has to be closed.
 * @throws ParameterError when nothing says where the API is, or a kubeconfig cannot be used
 */
export async function openApiCluster(options: ApiClusterOptions): Promise<Cluster> {
  options.signal?.throwIfAborted();
  const connection = await findApi(options);
  options.signal?.throwIfAborted();
  return new ApiCluster(new ApiClient(connection, options), options.defaults);
}

class ApiCluster implements Cluster {
  readonly #client: ApiClient;
  readonly #defaults: ClusterOptions | undefined;
  /** Identities of the objects seen, for the events about them. */
  readonly #uids = new Map<string, string>();

  constructor(client: ApiClient, defaults: ClusterOptions | undefined) {
    this.#client = client;
    this.#defaults = defaults;
  }

  appBinding(name: ObjectName, options?: ClusterOptions): Promise<ObjectOf<"AppBinding">> {
    return this.#read("AppBinding", name, options);
  }

  repository(name: ObjectName, options?: ClusterOptions): Promise<ObjectOf<"Repository">> {
    return this.#read("Repository", name, options);
  }

  async secret(name: ObjectName, options?: ClusterOptions): Promise<ReadonlyMap<string, Uint8Array>> {
    return decodeSecret(await this.#read("Secret", name, options));
  }

  async namespaceLabels(name: string, options?: ClusterOptions): Promise<Readonly<Record<string, string>>> {
    const { metadata } = await this.#read("Namespace", { namespace: "", name }, options);
    return { ...metadata.labels, "kubernetes.io/metadata.name": name };
  }

  backupSession(name: ObjectName, options?: ClusterOptions): Promise<ObjectOf<"BackupSession">> {
    return this.#read("BackupSession", name, options);
  }

  restoreSession(name: ObjectName, options?: ClusterOptions): Promise<ObjectOf<"RestoreSession">> {
    return this.#read("RestoreSession", name, options);
  }

  backupInvoker(kind: BackupInvokerKind, name: ObjectName, options?: ClusterOptions): Promise<BackupInvoker> {
    return this.#read(kind, name, options);
  }

  task(name: string, options?: ClusterOptions): Promise<ObjectOf<"Task">> {
    return this.#read("Task", { namespace: "", name }, options);
  }

  stashFunction(name: string, options?: ClusterOptions): Promise<ObjectOf<"Function">> {
    return this.#read("Function", { namespace: "", name }, options);
  }

  async updateStatus(
    kind: StatusKind,
    name: ObjectName,
    change: StatusChange,
    options?: ClusterOptions & { uid?: string | undefined },
  ): Promise<void> {
    await writeStatus(this.#client, { resource: apiResource(kind), name, change, uid: options?.uid }, this.#patience(options));
  }

  async emitEvent(event: ClusterEvent, options?: ClusterOptions): Promise<void> {
    const patience = this.#patience(options);
    const body = eventObject(event, await this.#uidOf(event, patience));
    const namespace = eventNamespace(event);
    const action = { ...actionOn(EVENTS, { namespace, name: "" }, { verb: "create" }), label: `an event in namespace "${namespace}"` };
    // A conflict means that an attempt before this one was carried out although its answer was lost: nobody else knows the name.
    await this.#client.ask({ method: "POST", path: collectionPath(EVENTS, namespace), body }, action, patience);
  }

  async mayI(asked: ClusterAction, options?: ClusterOptions): Promise<boolean> {
    const { verb, group, namespace, name } = asked;
    const [resource, subresource] = asked.resource.split("/");
    const body = {
      apiVersion: "authorization.k8s.io/v1",
      kind: REVIEWS.kind,
      spec: { resourceAttributes: { verb, group, resource, subresource, namespace, name } },
    };
    const action = {
      ...actionOn(REVIEWS, { namespace: "", name: "" }, { verb: "create" }),
      label: "a review of this process's own rights",
    };
    const request = { method: "POST", path: collectionPath(REVIEWS, ""), body } as const;
    const review = await this.#client.ask(request, action, this.#patience(options));
    const allowed = (review?.status as { allowed?: unknown } | undefined)?.allowed;
    if (typeof allowed !== "boolean")
      throw new ClusterUnavailableError("The Kubernetes API answers a question about rights without yes or no");
    return allowed;
  }

  async whoAmI(options?: ClusterOptions): Promise<string | undefined> {
    const body = { apiVersion: "authentication.k8s.io/v1", kind: IDENTITIES.kind };
    const action = {
      ...actionOn(IDENTITIES, { namespace: "", name: "" }, { verb: "create" }),
      label: "a review of this process's own name",
    };
    try {
      const review = await this.#client.ask(
        { method: "POST", path: collectionPath(IDENTITIES, ""), body },
        action,
        this.#patience(options),
      );
      const name = (review?.status as { userInfo?: { username?: unknown } } | undefined)?.userInfo?.username;
      return typeof name === "string" && name !== "" ? name : undefined;
    } catch (error) {
      // Servers before 1.28 do not know the question.
      if (error instanceof ParameterError || error instanceof ClusterRefusedError) return undefined;
      throw error;
    }
  }

  #patience(options: ClusterOptions | undefined): Patience {
    const { signal = this.#defaults?.signal, patienceMs = this.#defaults?.patienceMs } = options ?? {};
    return new Patience({ signal, patienceMs });
  }

  async #read<K extends ObjectKind>(kind: K, name: ObjectName, options?: ClusterOptions): Promise<ObjectOf<K>> {
    return this.#get(kind, name, this.#patience(options));
  }

  async #get<K extends ObjectKind>(kind: K, name: ObjectName, patience: Patience): Promise<ObjectOf<K>> {
    const resource = apiResource(kind);
    const label = objectLabel(resource, name);
    const action = { ...actionOn(resource, name, { verb: "get" }), label };
    const raw = await this.#client.ask({ method: "GET", path: objectPath(resource, name) }, action, patience);
    const { metadata } = raw as { metadata?: { name?: unknown; uid?: unknown } };
    // A proxy or another server in the way may answer anything, and what is read decides what is backed up, and where to.
    if (raw?.kind !== kind || metadata?.name !== name.name)
      throw new ClusterUnavailableError(`What answers for ${label} is not that object`);
    if (typeof metadata.uid === "string") this.#uids.set(label, metadata.uid);
    return parseObject(kind, raw, { name: resource.isNamespaced ? `${name.namespace}/${name.name}` : name.name });
  }

  /** Of an object that is gone, or may not be read, there can still be an event. */
  async #uidOf({ kind, object }: ClusterEvent, patience: Patience): Promise<string | undefined> {
    if (!(kind in objectSchemas)) return undefined;
    const label = objectLabel(apiResource(kind as ObjectKind), object);
    if (!this.#uids.has(label)) {
      try {
        await this.#get(kind as ObjectKind, object, patience);
      } catch (error) {
        if (!(error instanceof ParameterError) && !(error instanceof ClusterRefusedError)) throw error;
      }
    }
    return this.#uids.get(label);
  }
}
