// An API server in memory: what one does to objects by itself, and faults on demand. There are no controllers, but what owners leave behind is collected.
import { KINDS, type KindName, kindNamed } from "../../operator/kinds.ts";
import type { LiveObject, WantedObject } from "../../operator/objects.ts";
import type { CallOptions, ListOptions, ObjectList, ObjectsApi, WatchEvent, WatchOptions } from "../../operator/objects-api.ts";
import { type Clock, systemClock } from "../../operator/watch/clock.ts";
import { CUT_KINDS, cutObject } from "../../operator/watch/live-object.ts";
import { ClusterRefusedError } from "../../runner/errors.ts";
import type { ObjectName } from "../../runner/kubernetes/cluster.ts";
import { MemoryHistory } from "./memory-history.ts";
import { matches, newObject, replacedObject, seconds, withMetadata, withStatus } from "./memory-objects.ts";

export type Verb = "get" | "list" | "watch" | "create" | "replace" | "replaceStatus" | "remove";

/** A write that is asked for. */
export interface Write {
  readonly verb: "create" | "replace" | "replaceStatus" | "remove";
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  /** Absent for a removal. */
  readonly object?: WantedObject | LiveObject;
  /** 0 for the first write of all. */
  readonly index: number;
}

type WriteHook = (write: Write) => void | Promise<void>;

interface PlannedFailure {
  readonly error: Error;
  readonly verb: Verb | undefined;
  readonly kind: string | undefined;
}

const NAME = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/;

export class MemoryObjectsApi implements ObjectsApi {
  /** Every write that was asked for, in order, those that were refused included. */
  readonly writes: Write[] = [];
  /** How often each verb was asked for. */
  readonly calls: Record<Verb, number> = { get: 0, list: 0, watch: 0, create: 0, replace: 0, replaceStatus: 0, remove: 0 };
  readonly #clock: Clock;
  readonly #objects = new Map<string, LiveObject>();
  readonly #history = new MemoryHistory();
  readonly #failures: PlannedFailure[] = [];
  #before: WriteHook = () => undefined;
  #after: WriteHook = () => undefined;
  #version = 1n;

  constructor({ clock = systemClock }: { readonly clock?: Clock } = {}) {
    this.#clock = clock;
  }

  now(): Date {
    return this.#clock.now();
  }

  async get(kind: KindName, name: ObjectName, { signal }: CallOptions = {}): Promise<LiveObject | undefined> {
    this.#begin("get", kind, signal);
    return this.peek(kind, name);
  }

  async list(kind: KindName, { namespace, labelSelector, signal }: ListOptions = {}): Promise<ObjectList> {
    this.#begin("list", kind, signal);
    const items = this.all(kind).filter(
      ({ metadata }) => (namespace === undefined || metadata.namespace === namespace) && matches(metadata.labels, labelSelector),
    );
    return { items: items.map(cutObject), resourceVersion: String(this.#version) };
  }

  async *watch(kind: KindName, options: WatchOptions): AsyncGenerator<WatchEvent, void, undefined> {
    this.#begin("watch", kind, options.signal);
    yield* this.#history.watch(kind, options);
  }

  create(object: WantedObject, { signal }: CallOptions = {}): Promise<LiveObject | "exists"> {
    const name = { namespace: object.metadata.namespace ?? "", name: object.metadata.name };
    return this.#write({ verb: "create", kind: object.kind, ...name, object }, signal, () => {
      requireName(object.kind, name);
      if (this.#objects.has(idOf(object.kind, name))) return "exists";
      return this.#store(undefined, newObject(object, { now: this.now(), version: this.#next() }));
    });
  }

  async replace(object: LiveObject, { signal }: CallOptions = {}): Promise<LiveObject | "conflict" | "gone"> {
    if (CUT_KINDS.has(object.kind)) throw new Error(`A ${object.kind} cannot be replaced: lists hold a part of it only`);
    return this.#put("replace", object, signal, (former) => replacedObject(former, object, this.#next()));
  }

  async replaceStatus(object: LiveObject, { signal }: CallOptions = {}): Promise<LiveObject | "conflict" | "gone"> {
    if (kindNamed(object.kind).hasStatus !== true) throw new Error(`A ${object.kind} has no status of its own`);
    return this.#put("replaceStatus", object, signal, (former) => withStatus(former, object.status, this.#next()));
  }

  async remove(kind: KindName, object: ObjectName & { readonly uid: string }, { signal }: CallOptions = {}): Promise<"deleted" | "gone"> {
    const { namespace, name, uid } = object;
    if (uid === "") throw new Error(`Cannot delete ${kind} "${namespace}/${name}" without its uid`);
    return this.#write({ verb: "remove", kind, namespace, name }, signal, () => {
      const former = this.peek(kind, object);
      if (former === undefined || former.metadata.uid !== uid) return "gone";
      this.#delete(former);
      return "deleted";
    });
  }

  // What tests see and do beside the verbs: nothing of this is counted, refused or held up.

  peek(kind: KindName, { namespace, name }: ObjectName): LiveObject | undefined {
    return this.#objects.get(idOf(kind, { namespace, name }));
  }

  all(kind: KindName): readonly LiveObject[] {
    return [...this.#objects.values()].filter((object) => object.kind === kind);
  }

  /** Puts an object there with its status, as others than the operator do: made, or changed to be so. */
  put(object: WantedObject | LiveObject): LiveObject {
    const name = { namespace: object.metadata.namespace ?? "", name: object.metadata.name };
    const former = this.peek(object.kind as KindName, name);
    const stored =
      former === undefined
        ? this.#store(undefined, newObject(object as WantedObject, { now: this.now(), version: this.#next() }))
        : this.#store(
            former,
            replacedObject(former, { ...object, metadata: { ...former.metadata, ...object.metadata } } as LiveObject, this.#next()),
          );
    return object.status === undefined ? stored : this.putStatus(object.kind as KindName, name, object.status as LiveObject["status"]);
  }

  putStatus(kind: KindName, name: ObjectName, status: LiveObject["status"]): LiveObject {
    const former = this.#known(kind, name);
    return this.#store(former, withStatus(former, status, this.#next()));
  }

  /** As `kubectl delete` does: an object with finalizers stays until they are gone. */
  delete(kind: KindName, name: ObjectName): void {
    this.#delete(this.#known(kind, name));
  }

  /** The next call (of this verb, for this kind) throws instead of being carried out. May be planned several times. */
  failNext(error: Error, { verb, kind }: { readonly verb?: Verb; readonly kind?: KindName } = {}): void {
    this.#failures.push({ error, verb, kind });
  }

  /** Called before each write, which is not carried out when it throws: the process died before it, or the server said no. */
  beforeWrite(hook: WriteHook): void {
    this.#before = hook;
  }

  /** Called after each write was carried out; when it throws, the answer was lost. */
  afterWrite(hook: WriteHook): void {
    this.#after = hook;
  }

  /** Watches hear of nothing until what is returned is disposed of. */
  holdEvents(): Disposable {
    this.#history.hold();
    return { [Symbol.dispose]: () => this.#history.release() };
  }

  get watches(): number {
    return this.#history.watchers;
  }

  /** Every watch gets a bookmark with the version of now. */
  bookmark(): void {
    this.#history.tellAll({ type: "bookmark", resourceVersion: String(this.#version) });
  }

  endWatches(): void {
    this.#history.tellAll({ type: "end" });
  }

  breakWatches(error: Error): void {
    this.#history.tellAll({ type: "fail", error });
  }

  /** Watches from before now are refused as too old. */
  forgetHistory(): void {
    this.#version = this.#next();
    this.#history.forget(this.#version);
  }

  #begin(verb: Verb, kind: string, signal: AbortSignal | undefined): void {
    this.calls[verb] += 1;
    signal?.throwIfAborted();
    const index = this.#failures.findIndex((planned) => (planned.verb ?? verb) === verb && (planned.kind ?? kind) === kind);
    const [failure] = index < 0 ? [] : this.#failures.splice(index, 1);
    if (failure !== undefined) throw failure.error;
  }

  async #write<T>(asked: Omit<Write, "index">, signal: AbortSignal | undefined, carryOut: () => T): Promise<T> {
    const write = { ...asked, index: this.writes.length };
    this.writes.push(write);
    this.#begin(write.verb, write.kind, signal);
    await this.#before(write);
    const outcome = carryOut();
    await this.#after(write);
    return outcome;
  }

  #put(verb: "replace" | "replaceStatus", object: LiveObject, signal: AbortSignal | undefined, change: (former: LiveObject) => LiveObject) {
    const { namespace = "", name, uid, resourceVersion } = object.metadata;
    if (!uid || !resourceVersion) throw new Error(`Cannot write ${object.kind} "${namespace}/${name}" without its uid and resourceVersion`);
    return this.#write({ verb, kind: object.kind, namespace, name, object }, signal, (): LiveObject | "conflict" | "gone" => {
      const former = this.#objects.get(idOf(object.kind, { namespace, name }));
      if (former === undefined || former.metadata.uid !== uid) return "gone";
      if (former.metadata.resourceVersion !== resourceVersion) return "conflict";
      return this.#store(former, change(former));
    });
  }

  #known(kind: KindName, name: ObjectName): LiveObject {
    const object = this.peek(kind, name);
    if (object === undefined) throw new Error(`There is no ${kind} "${name.namespace}/${name.name}"`);
    return object;
  }

  #next(): bigint {
    return this.#version + 1n;
  }

  #store(before: LiveObject | undefined, object: LiveObject): LiveObject {
    if (object === before) return object;
    const { metadata, kind } = object;
    this.#version = this.#next();
    const isDeleted = metadata.deletionTimestamp !== undefined && (metadata.finalizers ?? []).length === 0;
    const id = idOf(kind, { namespace: metadata.namespace ?? "", name: metadata.name });
    if (isDeleted) this.#objects.delete(id);
    else this.#objects.set(id, object);
    this.#history.add({ version: this.#version, kind, before, object, isDeleted });
    if (isDeleted) queueMicrotask(() => this.#collect(metadata.uid));
    return object;
  }

  #delete(object: LiveObject): void {
    const { deletionTimestamp = seconds(this.now()) } = object.metadata;
    if (object.metadata.deletionTimestamp === undefined) this.#store(object, withMetadata(object, { deletionTimestamp }, this.#next()));
  }

  /** What has an owner that is gone, and no other that is left. */
  #collect(uid: string): void {
    const uids = new Set([...this.#objects.values()].map(({ metadata }) => metadata.uid));
    for (const object of [...this.#objects.values()]) {
      const owners = object.metadata.ownerReferences ?? [];
      if (owners.some((owner) => owner.uid === uid) && !owners.some((owner) => uids.has(owner.uid))) this.#delete(object);
    }
  }
}

function idOf(kind: string, { namespace, name }: ObjectName): string {
  return `${kind}/${kindNamed(kind).isNamespaced ? namespace : ""}/${name}`;
}

function requireName(kind: string, { namespace, name }: ObjectName): void {
  const { isNamespaced } = KINDS[kind as KindName];
  if (NAME.test(name) && (!isNamespaced || NAME.test(namespace))) return;
  throw new ClusterRefusedError(`${kind} "${namespace}/${name}" is no name of an object`, { reason: "Invalid" });
}
