// Objects and parts for the tests of what writes.
import type { ApplyParts } from "../../../../operator/apply/apply-actions.ts";
import { EventTeller } from "../../../../operator/apply/event-teller.ts";
import type { LiveObject, WantedObject } from "../../../../operator/objects.ts";
import type { Log } from "../../../../runner/function.ts";
import type { OwnerReference } from "../../../../runner/kubernetes/resolve-objects.ts";
import { MemoryObjectsApi } from "../../../fakes/memory-objects-api.ts";

export const PLACE = { namespace: "shop", name: "nightly" } as const;
export const MANAGED = { "app.kubernetes.io/managed-by": "stash.appscode.com" } as const;

export function owner(uid = "uid-of-nightly", name = "nightly", kind = "BackupConfiguration"): OwnerReference {
  return { apiVersion: "stash.appscode.com/v1beta1", kind, name, uid, controller: true, blockOwnerDeletion: true };
}

export function cronJob({ spec = {}, metadata = {} }: { spec?: object; metadata?: object } = {}): WantedObject {
  return {
    apiVersion: "batch/v1",
    kind: "CronJob",
    metadata: { ...PLACE, labels: { ...MANAGED }, ownerReferences: [owner()], ...metadata },
    spec: { schedule: "@daily", suspend: false, ...spec },
  };
}

export function configuration(metadata: object = {}): WantedObject {
  return {
    apiVersion: "stash.appscode.com/v1beta1",
    kind: "BackupConfiguration",
    metadata: { ...PLACE, ...metadata },
    spec: { schedule: "@daily" },
  };
}

export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export function recordingLog(): { readonly log: Log; readonly lines: LogLine[] } {
  const lines: LogLine[] = [];
  const at =
    (level: string) =>
    (message: string, fields: Readonly<Record<string, unknown>> = {}) =>
      void lines.push({ level, message, fields });
  return { log: { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") }, lines };
}

export interface Applying {
  readonly api: MemoryObjectsApi;
  readonly parts: ApplyParts;
  readonly abort: AbortController;
  readonly written: LiveObject[];
  readonly lines: LogLine[];
}

/** An API in memory, and caches that never lag. */
export function applying(more: Partial<ApplyParts> = {}): Applying {
  const api = new MemoryObjectsApi();
  const abort = new AbortController();
  const written: LiveObject[] = [];
  const { log, lines } = recordingLog();
  const parts: ApplyParts = {
    api,
    cached: (kind, name) => api.peek(kind, name),
    signal: abort.signal,
    events: new EventTeller(api, log),
    pushgatewayUrl: undefined,
    wrote: (object) => void written.push(object),
    ...more,
  };
  return { api, parts, abort, written, lines };
}

/** How often the API was asked for anything. */
export function callsOf({ calls }: MemoryObjectsApi): number {
  return Object.values(calls).reduce((sum, count) => sum + count, 0);
}
