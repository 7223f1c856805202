// An operator with something of everything, for the tests of its figures.
import type { LiveObject } from "../../../../operator/objects.ts";
import type { MetricSources } from "../../../../operator/serve/operator-metrics.ts";

export function liveObject(kind: string, name: string, more: Partial<LiveObject> = {}): LiveObject {
  const metadata = { name, namespace: "shop", uid: `uid-${name}`, resourceVersion: "1", creationTimestamp: "2026-11-22T03:00:00Z" };
  return { apiVersion: "v1", kind, metadata, ...more };
}

export function metricSources(more: Partial<MetricSources> = {}): MetricSources {
  const counts = { lists: 1, watches: 2, failures: 3, events: 4 };
  return {
    queueDepths: () => new Map([["backup-session", 5]]),
    watches: () => new Map([["Job", counts]]),
    cachedObjects: () => new Map([["Job", 6]]),
    isLeader: () => true,
    backupConfigurations: () => [liveObject("BackupConfiguration", "nightly", { spec: { schedule: "0 3 * * *" } })],
    cronJobOf: () => liveObject("CronJob", "trigger", { status: { lastScheduleTime: "2026-11-22T03:00:00Z" } }),
    ...more,
  };
}
