import { randomBytes } from "node:crypto";
import type { ClusterEvent } from "./cluster.ts";
import { apiVersionOf, type ObjectKind, objectSchemas } from "./parse-object.ts";

/** The namespace that an event is kept in; those of objects without one go to "default", as the API demands. */
export function eventNamespace(event: ClusterEvent): string {
  return event.object.namespace === "" ? "default" : event.object.namespace;
}

/** A core/v1 Event with a name of its own: posted twice, it is still one. */
export function eventObject(event: ClusterEvent, uid: string | undefined): Readonly<Record<string, unknown>> {
  const { kind, object, type, reason, message } = event;
  const now = new Date().toISOString().replace(/\.\d+Z$/, "Z");
  const apiVersion = kind in objectSchemas ? apiVersionOf(kind as ObjectKind) : undefined;
  return {
    apiVersion: "v1",
    kind: "Event",
    metadata: { namespace: eventNamespace(event), name: `${object.name.slice(0, 200)}.${randomBytes(8).toString("hex")}` },
    involvedObject: { apiVersion, kind, namespace: object.namespace || undefined, name: object.name, uid },
    type,
    reason,
    // The API's own limit for a note.
    message: message.length > 1024 ? `${message.slice(0, 1023)}…` : message,
    source: { component: "holdfast" },
    firstTimestamp: now,
    lastTimestamp: now,
    count: 1,
  };
}
