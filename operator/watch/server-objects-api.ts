import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import pLimit from "p-limit";
import { ClusterUnavailableError } from "../../runner/errors.ts";
import type { ApiConnection } from "../../runner/kubernetes/api-connection.ts";
import { type ApiAnswer, type ApiRequest, sendRequest } from "../../runner/kubernetes/api-request.ts";
import { collectionPath, objectLabel } from "../../runner/kubernetes/api-resources.ts";
import type { ObjectName } from "../../runner/kubernetes/cluster.ts";
import { KINDS, type Kind, type KindName, kindNamed } from "../kinds.ts";
import type { LiveObject, WantedObject } from "../objects.ts";
import {
  type CallOptions,
  GoneError,
  type ListOptions,
  type ObjectList,
  type ObjectsApi,
  type WatchEvent,
  type WatchOptions,
} from "../objects-api.ts";
import { apiStatusOf, askAgainIfRefused, askAgainIfUnknown, asUnavailable, failureOf } from "./ask-api.ts";
import { type Clock, systemClock } from "./clock.ts";
import { CUT_KINDS, cutObject, liveObject } from "./live-object.ts";
import { askedAction, listPath, pathOf, requiredPath, typeOf } from "./object-paths.ts";
import { isAnother, isMissing, pageOf } from "./read-answer.ts";
import { ServerTime } from "./server-time.ts";
import { watchServer } from "./watch-server.ts";

export interface ObjectsApiOptions {
  /** What the server wants known although it obeyed. */
  readonly warn: (message: string) => void;
  readonly clock?: Clock;
  /** Of one call, or one page of a list; 15 s when absent. */
  readonly requestTimeoutMs?: number;
  /** A watch of which nothing came for so long ends; 90 s when absent. */
  readonly silenceMs?: number;
  /** How long the server is asked to keep a watch open, at least and at most; 240 and 480 when absent. */
  readonly watchSeconds?: readonly [number, number];
  /** Objects of a list that come at once; 500 when absent. */
  readonly pageSize?: number;
  /** Further writes wait for one of them to be answered; 16 when absent. */
  readonly writesInFlight?: number;
}

/** On a connection of its own, which disposing of it closes. */
export function openObjectsApi(connection: ApiConnection, options: ObjectsApiOptions): ObjectsApi & Disposable {
  return new ServerObjectsApi(connection, options);
}

/** Some hold the name of an object: they must not pile up. */
const MOST_WARNINGS = 1_000;

type Verb = "get" | "list" | "create" | "update" | "delete";

interface Call extends CallOptions {
  readonly kind: Kind;
  readonly name: ObjectName;
  readonly verb: Verb;
  readonly request: ApiRequest;
  readonly subresource?: string;
}

class ServerObjectsApi implements ObjectsApi, Disposable {
  readonly #connection: ApiConnection;
  readonly #options: ObjectsApiOptions;
  readonly #time: ServerTime;
  readonly #agent: HttpAgent;
  readonly #told = new Set<string>();
  readonly #write: <T>(call: () => Promise<T>) => Promise<T>;

  constructor(connection: ApiConnection, options: ObjectsApiOptions) {
    const agent = connection.server.protocol === "https:" ? new HttpsAgent({ keepAlive: true }) : new HttpAgent({ keepAlive: true });
    this.#agent = agent;
    this.#connection = { ...connection, credentials: async () => ({ agent, ...(await connection.credentials()) }) };
    this.#options = options;
    this.#time = new ServerTime(options.clock ?? systemClock);
    this.#write = pLimit(options.writesInFlight ?? 16);
  }

  now(): Date {
    return this.#time.now();
  }

  async get(kindName: KindName, name: ObjectName, options: CallOptions = {}): Promise<LiveObject | undefined> {
    const kind: Kind = KINDS[kindName];
    const path = pathOf(kind, name);
    // The API would answer so, too: nothing has such a name.
    if (path === undefined) return undefined;
    const call: Call = { ...options, kind, name, verb: "get", request: { method: "GET", path } };
    const answer = await this.#ask(call);
    if (isMissing(answer, kind)) return undefined;
    return this.#objectOf(answer, call);
  }

  async list(kindName: KindName, options: ListOptions = {}): Promise<ObjectList> {
    try {
      return await this.#listOnce(KINDS[kindName], options);
    } catch (error) {
      if (!(error instanceof GoneError)) throw error;
    }
    // The state that its pages are of was forgotten in the midst of it.
    try {
      return await this.#listOnce(KINDS[kindName], options);
    } catch (error) {
      if (error instanceof GoneError) throw new ClusterUnavailableError(`Cannot list ${kindName} objects to their end`, { cause: error });
      throw error;
    }
  }

  watch(kindName: KindName, options: WatchOptions): AsyncIterable<WatchEvent> {
    const { requestTimeoutMs = 15_000, silenceMs = 90_000, watchSeconds = [240, 480], warn } = this.#options;
    const kind: Kind = KINDS[kindName];
    const { labelSelector } = options;
    const [least, most] = watchSeconds;
    const query = {
      watch: "true",
      allowWatchBookmarks: "true",
      resourceVersion: options.resourceVersion,
      ...(labelSelector === undefined ? {} : { labelSelector }),
    };
    const seconds = Math.round(least + Math.random() * (most - least));
    const path = `${listPath(kind, options.namespace)}?${new URLSearchParams({ ...query, timeoutSeconds: String(seconds) })}`;
    const action = askedAction({ kind, name: { namespace: options.namespace ?? "", name: "" }, verb: "watch" });
    const learn = (aheadMs: number | undefined) => this.#time.learn(aheadMs);
    return watchServer(this.#connection, {
      path,
      action,
      type: typeOf(kind),
      requestTimeoutMs,
      silenceMs,
      warn,
      learn,
      signal: options.signal,
      opened: options.opened,
      failed: () => this.#dropIdle(),
    });
  }

  async create(object: WantedObject, options: CallOptions = {}): Promise<LiveObject | "exists"> {
    const kind = kindNamed(object.kind);
    const name = { namespace: object.metadata.namespace ?? "", name: object.metadata.name };
    requiredPath(kind, name);
    const request: ApiRequest = { method: "POST", path: `${collectionPath(kind, name.namespace)}?fieldValidation=Strict`, body: object };
    const call: Call = { ...options, kind, name, verb: "create", request };
    const answer = await this.#write(() => this.#ask(call));
    if (answer.status === 409 && apiStatusOf(answer.body)?.reason === "AlreadyExists") return "exists";
    return this.#objectOf(answer, call);
  }

  async replace(object: LiveObject, options: CallOptions = {}): Promise<LiveObject | "conflict" | "gone"> {
    if (CUT_KINDS.has(object.kind)) throw new Error(`A ${object.kind} cannot be replaced: lists hold a part of it only`);
    return this.#put(object, undefined, options);
  }

  async replaceStatus(object: LiveObject, options: CallOptions = {}): Promise<LiveObject | "conflict" | "gone"> {
    if (kindNamed(object.kind).hasStatus !== true) throw new Error(`A ${object.kind} has no status of its own`);
    return this.#put(object, "status", options);
  }

  async remove(kindName: KindName, object: ObjectName & { readonly uid: string }, options: CallOptions = {}): Promise<"deleted" | "gone"> {
    const kind: Kind = KINDS[kindName];
    if (object.uid === "") throw new Error(`Cannot delete ${objectLabel(kind, object)} without its uid`);
    const body = { apiVersion: "v1", kind: "DeleteOptions", propagationPolicy: "Background", preconditions: { uid: object.uid } };
    const call: Call = {
      ...options,
      kind,
      name: object,
      verb: "delete",
      request: { method: "DELETE", path: requiredPath(kind, object), body },
    };
    const answer = await this.#write(() => this.#ask(call));
    if (isMissing(answer, kind) || isAnother(answer)) return "gone";
    if (answer.status >= 200 && answer.status < 300) return "deleted";
    throw failureOf(answer, askedAction(call), this.#connection.server);
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }

  async #put(object: LiveObject, subresource: string | undefined, options: CallOptions): Promise<LiveObject | "conflict" | "gone"> {
    const kind = kindNamed(object.kind);
    const { namespace = "", name, uid, resourceVersion } = object.metadata;
    // Without them the server would write whatever is there, or make it anew.
    if (!uid || !resourceVersion)
      throw new Error(`Cannot write ${objectLabel(kind, { namespace, name })} without its uid and resourceVersion`);
    const path = `${requiredPath(kind, { namespace, name }, subresource)}?fieldValidation=Strict`;
    const which = subresource === undefined ? {} : { subresource };
    const call: Call = {
      ...options,
      ...which,
      kind,
      name: { namespace, name },
      verb: "update",
      request: { method: "PUT", path, body: object },
    };
    const answer = await this.#write(() => this.#ask(call));
    if (isMissing(answer, kind) || isAnother(answer)) return "gone";
    if (answer.status === 409 && apiStatusOf(answer.body)?.reason === "Conflict") return "conflict";
    return this.#objectOf(answer, call);
  }

  async #listOnce(kind: Kind, { namespace, labelSelector, signal }: ListOptions): Promise<ObjectList> {
    const items: LiveObject[] = [];
    const query = new URLSearchParams({ limit: String(this.#options.pageSize ?? 500) });
    if (labelSelector !== undefined) query.set("labelSelector", labelSelector);
    for (let next = ""; ; ) {
      if (next !== "") query.set("continue", next);
      const request: ApiRequest = { method: "GET", path: `${listPath(kind, namespace)}?${query}` };
      const call: Call = { kind, name: { namespace: namespace ?? "", name: "" }, verb: "list", request, signal };
      const answer = await this.#ask(call);
      const page = pageOf(answer);
      if (page === undefined) throw failureOf(answer, askedAction(call), this.#connection.server);
      for (const item of page.items) items.push(cutObject(liveObject(item, typeOf(kind))));
      next = page.metadata.continue ?? "";
      if (next === "") return { items, resourceVersion: page.metadata.resourceVersion };
    }
  }

  async #ask(call: Call): Promise<ApiAnswer> {
    const options = { timeoutMs: this.#options.requestTimeoutMs ?? 15_000, signal: call.signal };
    try {
      const send = (request: ApiRequest) => sendRequest(this.#connection, request, options);
      const answer = await askAgainIfRefused(
        () => askAgainIfUnknown(this.#connection, () => send(call.request)),
        () => send({ method: "GET", path: "/readyz" }),
      );
      this.#time.learn(answer.aheadMs);
      this.#warn(answer.warning, `${call.verb} ${call.kind.kind}`);
      return answer;
    } catch (error) {
      call.signal?.throwIfAborted();
      // A network that swallowed this request has most likely taken the idle connections with it.
      if (error instanceof ClusterUnavailableError) this.#dropIdle();
      throw asUnavailable(error);
    }
  }

  /** Each warning once: every write of a kind may bring it again. */
  #warn(warning: string | undefined, what: string): void {
    const message = `The Kubernetes API warns of ${what}: ${warning}`;
    if (warning === undefined || this.#told.has(message) || this.#told.size >= MOST_WARNINGS) return;
    this.#told.add(message);
    this.#options.warn(message);
  }

  #dropIdle(): void {
    for (const sockets of Object.values(this.#agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy();
  }

  #objectOf(answer: ApiAnswer, call: Call): LiveObject {
    if (answer.status < 200 || answer.status >= 300) throw failureOf(answer, askedAction(call), this.#connection.server);
    return liveObject(answer.body, typeOf(call.kind));
  }
}
