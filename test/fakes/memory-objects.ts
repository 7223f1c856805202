// How an API server keeps an object: what it sets itself, what it leaves as it was, what a change is.
import { randomUUID } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { kindNamed } from "../../operator/kinds.ts";
import type { LiveObject, WantedObject } from "../../operator/objects.ts";

/** A new object; its status counts only where there is no subresource for it. */
export function newObject(wanted: WantedObject, { now, version }: { now: Date; version: bigint }): LiveObject {
  const { status, ...object } = copy(wanted);
  const kind = kindNamed(wanted.kind);
  const { name, namespace, labels, annotations, ownerReferences, finalizers } = object.metadata as LiveObject["metadata"];
  const metadata = {
    name,
    ...(kind.isNamespaced ? { namespace } : {}),
    uid: randomUUID(),
    resourceVersion: String(version),
    generation: 1,
    creationTimestamp: seconds(now),
    ...present({ labels, annotations, ownerReferences, finalizers }),
  };
  const kept = status === undefined || kind.hasStatus === true ? {} : { status };
  return frozen({ ...object, ...kept, metadata } as LiveObject);
}

/** What a write of the whole object makes of it; the same value when that changes nothing. */
export function replacedObject(former: LiveObject, written: LiveObject, version: bigint): LiveObject {
  const { status: _status, metadata, ...rest } = copy(written);
  const { labels, annotations, ownerReferences, finalizers } = metadata;
  const { uid, name, namespace, creationTimestamp, deletionTimestamp, generation = 1, resourceVersion } = former.metadata;
  const kept = present({ namespace, deletionTimestamp, labels, annotations, ownerReferences, finalizers });
  const status = kindNamed(former.kind).hasStatus === true ? former.status : written.status;
  const next = { ...rest, ...present({ status }), metadata: { name, uid, creationTimestamp, generation, resourceVersion, ...kept } };
  if (isDeepStrictEqual(next, { ...former })) return former;
  const isNewSpec = !isDeepStrictEqual(withoutBoth(next), withoutBoth(former));
  return frozen({
    ...next,
    metadata: { ...next.metadata, generation: generation + (isNewSpec ? 1 : 0), resourceVersion: String(version) },
  });
}

/** What a write of its status makes of it; the same value when that changes nothing. */
export function withStatus(former: LiveObject, status: LiveObject["status"], version: bigint): LiveObject {
  if (isDeepStrictEqual(copy(former.status), copy(status))) return former;
  return withMetadata({ ...former, ...copy({ status }) }, {}, version);
}

export function withMetadata(former: LiveObject, change: Partial<LiveObject["metadata"]>, version: bigint): LiveObject {
  return frozen({ ...former, metadata: { ...former.metadata, ...change, resourceVersion: String(version) } });
}

/** As in JSON: texts, no `undefined`. */
export function copy<T>(value: T): T {
  return value === undefined ? value : JSON.parse(JSON.stringify(value));
}

/** To the second, as the API writes it. */
export function seconds(date: Date): string {
  return date.toISOString().replace(/\.\d+Z$/, "Z");
}

/** Whether labels fulfil "a=b,c=d". */
export function matches(labels: Readonly<Record<string, string>> | undefined, selector: string | undefined): boolean {
  return (selector ?? "").split(",").every((term) => {
    if (term === "") return true;
    const [, key, value] = /^([^=!\s]+)==?([^=!\s]*)$/.exec(term) ?? [];
    if (key === undefined) throw new Error(`The API in memory knows no selector like "${term}"`);
    return labels?.[key] === value;
  });
}

function withoutBoth({
  metadata: _metadata,
  status: _status,
  ...rest
}: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return rest;
}

function present<T extends object>(fields: T): Partial<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<T>;
}

/** Whoever changes what is handed out shall fail. */
function frozen<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const field of Object.values(value)) frozen(field);
  }
  return value;
}
