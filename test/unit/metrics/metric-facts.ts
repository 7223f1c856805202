// Facts of runs that went well, for tests to change.
import type { BackupMetricFacts, GoodBackup } from "../../../runner/metrics/backup-samples.ts";
import type { RepositoryMetricFacts } from "../../../runner/metrics/repository-samples.ts";
import type { RestoreMetricFacts } from "../../../runner/metrics/restore-samples.ts";
import type { SessionMetricFacts, TargetMetricFacts } from "../../../runner/metrics/session-samples.ts";

const backupIdentity = {
  invoker: { kind: "BackupConfiguration", namespace: "demo", name: "sample-redis-backup" },
  driver: "Restic",
  repository: { namespace: "stores", name: "s3-repo" },
};
const restoreIdentity = { ...backupIdentity, invoker: { kind: "RestoreSession", namespace: "demo", name: "sample-redis-restore" } };
const run = {
  target: { namespace: "demo", name: "sample-redis", type: "kubedb.com/redis" },
  host: "host-0",
  engine: "redis",
  version: "1.2.3",
  finished: new Date(1_800_000_000_250),
};

export const goodBackup: GoodBackup = {
  kind: "Succeeded",
  committed: new Date(1_800_000_000_250),
  durationMs: 4512,
  processingMs: 2750,
  rawBytes: 12_945_678_901,
  addedBytes: 3_366_001_234,
  files: { total: 1, new: 1, modified: 0, unmodified: 0 },
  counts: { keys: 2_155_039, databases: 2 },
};

export function backupFacts(changes: Partial<BackupMetricFacts> = {}): BackupMetricFacts {
  return { ...backupIdentity, ...run, expectedIntervalMs: 3_600_000, outcome: goodBackup, ...changes };
}

export function failedBackupFacts(changes: Partial<BackupMetricFacts> = {}): BackupMetricFacts {
  return backupFacts({
    finished: new Date(1_800_003_600_000),
    outcome: { kind: "Failed", exitCode: 30, reason: "StoreUnavailable" },
    ...changes,
  });
}

export function restoreFacts(changes: Partial<RestoreMetricFacts> = {}): RestoreMetricFacts {
  const outcome = { kind: "Succeeded", durationMs: 1500, rawBytes: 12_945, counts: { restored: 7, skipped: 1 } } as const;
  return { ...restoreIdentity, ...run, outcome, ...changes };
}

export function repositoryFacts(changes: Partial<RepositoryMetricFacts> = {}): RepositoryMetricFacts {
  return {
    ...backupIdentity,
    store: { backend: "s3", bucket: "backups", prefix: "demo/redis" },
    verification: { isWhole: true, finished: new Date(1_800_000_001_000) },
    sizeBytes: 9_999_999_999,
    snapshots: { count: 5, oldest: new Date(1_799_000_000_000), newest: new Date(1_800_000_000_000) },
    snapshotsRemoved: 2,
    prune: { removedObjects: 3, removedBytes: 1024, finished: new Date(1_800_000_002_000) },
    ...changes,
  };
}

export function sessionFacts(changes: Partial<SessionMetricFacts> = {}): SessionMetricFacts {
  return {
    ...backupIdentity,
    targetPhases: ["Succeeded", "Succeeded"],
    hasFailedOtherwise: false,
    durationMs: 32_000,
    finished: run.finished,
    ...changes,
  };
}

export function restoreSessionFacts(changes: Partial<SessionMetricFacts> = {}): SessionMetricFacts {
  return sessionFacts({ ...restoreIdentity, targetPhases: ["Succeeded"], ...changes });
}

export function targetFacts(changes: Partial<TargetMetricFacts> = {}): TargetMetricFacts {
  return { ...backupIdentity, target: run.target, phase: "Succeeded", hosts: 1, finished: run.finished, ...changes };
}
