// The verbs that the operator needs of a Kubernetes API. Two implementations pass test/contract/objects-api.ts: the server's, and one in memory.
import type { ObjectName } from "../runner/kubernetes/cluster.ts";
import type { KindName } from "./kinds.ts";
import type { LiveObject, WantedObject } from "./objects.ts";

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

export interface ListOptions extends CallOptions {
  /** All namespaces when absent. */
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
}

export interface ObjectList {
  readonly items: readonly LiveObject[];
  /** The state of the whole that the items are of: a watch goes on from here. */
  readonly resourceVersion: string;
}

export type WatchEvent =
  | { readonly type: "added" | "modified" | "deleted"; readonly object: LiveObject }
  /** Nothing happened up to this version. */
  | { readonly type: "bookmark"; readonly resourceVersion: string };

export interface WatchOptions extends ListOptions {
  readonly resourceVersion: string;
  /** Told once the server has accepted it: the server is there, also if nothing happens. */
  readonly opened?: (() => void) | undefined;
}

/**
 * Every verb asks once, and throws ClusterUnavailableError when there is no answer worth the name (network, 429, 5xx; whether a write was carried out is then
 * not known), ClusterRefusedError for a plain no (`reason` "Unauthorized", "Forbidden", "Invalid" …), and the signal's reason. Writes are strict: a field that the server
 * does not know is refused. Objects of lists and watches carry `apiVersion` and `kind` and no `managedFields`.
 */
export interface ObjectsApi {
  /** `undefined` when there is none. */
  get(kind: KindName, name: ObjectName, options?: CallOptions): Promise<LiveObject | undefined>;
  /** All of them, in pages. */
  list(kind: KindName, options?: ListOptions): Promise<ObjectList>;
  /**
   * What happens from a version on; ends by itself when the server ends it, or when nothing at all came for 90 s: both are no failures.
   * @throws GoneError when the version is too old: list anew
   */
  watch(kind: KindName, options: WatchOptions): AsyncIterable<WatchEvent>;
  /** `"exists"` when the name is taken, by whomsoever. */
  create(object: WantedObject, options?: CallOptions): Promise<LiveObject | "exists">;
  /** Writes the whole object but for its status, if it is still this version of this very object. */
  replace(object: LiveObject, options?: CallOptions): Promise<LiveObject | "conflict" | "gone">;
  /** Writes the status alone, under the same condition. */
  replaceStatus(object: LiveObject, options?: CallOptions): Promise<LiveObject | "conflict" | "gone">;
  /** Deletes this very object, and in the background what it owns. `"gone"` when there is none with this uid. */
  remove(kind: KindName, object: ObjectName & { readonly uid: string }, options?: CallOptions): Promise<"deleted" | "gone">;
  /** The server's time: our own clock, corrected by the last answer's when they differ by more than 2 s. */
  now(): Date;
}

/** The version that a watch was to go on from is no longer known. */
export class GoneError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "GoneError";
  }
}
