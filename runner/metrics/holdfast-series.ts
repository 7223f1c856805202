import type { Series, Traits } from "./series.ts";

const RUN = { labels: "run", by: "job", when: "always" } as const;
const RUN_WENT_WELL = { labels: "run", by: "job", when: "success" } as const;
const REPOSITORY = { labels: "repository", by: "job", when: "known" } as const;

/** Our own series: base units, and no `_total`, because a pushed job has no counters. */
export const HOLDFAST_SERIES = {
  backupLastAttempt: holdfast("backup_last_attempt_timestamp_seconds", "When the last backup ended, good or not", {
    ...RUN,
    unit: "Unix time in seconds",
  }),
  backupLastAttemptSuccess: holdfast("backup_last_attempt_success", "Whether the last backup is complete, committed and verified", {
    ...RUN,
    unit: "0 or 1",
  }),
  backupLastAttemptInfo: holdfast("backup_last_attempt_info", "The reason that the last backup ended with", {
    ...RUN,
    labels: "run, reason",
    unit: "always 1",
  }),
  backupExitCode: holdfast("backup_exit_code", "Exit code of the last backup; 0 is complete, committed and verified", {
    ...RUN,
    unit: "exit code",
  }),
  backupExpectedInterval: holdfast("backup_expected_interval_seconds", "Longest time between two backups that the schedule asks for", {
    ...RUN,
    unit: "seconds",
    when: "known",
  }),
  backupLastSuccess: holdfast("backup_last_success_timestamp_seconds", "When the last good backup was committed", {
    ...RUN_WENT_WELL,
    unit: "Unix time in seconds",
  }),
  backupDuration: holdfast("backup_duration_seconds", "How long the last good backup took", { ...RUN_WENT_WELL, unit: "seconds" }),
  backupRawBytes: holdfast("backup_raw_bytes", "Bytes in the last good backup, before compression", { ...RUN_WENT_WELL, unit: "bytes" }),
  backupStoredBytes: holdfast("backup_stored_bytes", "Bytes that the last good backup added to the store", {
    ...RUN_WENT_WELL,
    unit: "bytes",
  }),
  backupItems: holdfast("backup_items", "What the last good backup holds, by the engine's own counts: keys, documents and so on", {
    ...RUN_WENT_WELL,
    labels: "run, item",
    unit: "count",
  }),
  restoreLastAttempt: holdfast("restore_last_attempt_timestamp_seconds", "When the last restore ended, good or not", {
    ...RUN,
    unit: "Unix time in seconds",
  }),
  restoreLastAttemptSuccess: holdfast("restore_last_attempt_success", "Whether the last restore wrote everything", {
    ...RUN,
    unit: "0 or 1",
  }),
  restoreLastAttemptInfo: holdfast("restore_last_attempt_info", "The reason that the last restore ended with", {
    ...RUN,
    labels: "run, reason",
    unit: "always 1",
  }),
  restoreExitCode: holdfast("restore_exit_code", "Exit code of the last restore", { ...RUN, unit: "exit code" }),
  restoreLastSuccess: holdfast("restore_last_success_timestamp_seconds", "When the last good restore ended", {
    ...RUN_WENT_WELL,
    unit: "Unix time in seconds",
  }),
  restoreDuration: holdfast("restore_duration_seconds", "How long the last good restore took", { ...RUN_WENT_WELL, unit: "seconds" }),
  restoreRawBytes: holdfast("restore_raw_bytes", "Bytes in the snapshot of the last good restore, before compression", {
    ...RUN_WENT_WELL,
    unit: "bytes",
  }),
  restoreItems: holdfast("restore_items", "What the last good restore did, by the engine's own counts: restored, skipped and so on", {
    ...RUN_WENT_WELL,
    labels: "run, item",
    unit: "count",
  }),
  repositoryIntegrity: holdfast("repository_integrity", "Whether the repository was whole when it was last verified; 0 when it was not", {
    ...REPOSITORY,
    unit: "0 or 1",
  }),
  repositoryLastVerified: holdfast("repository_last_verified_timestamp_seconds", "When the repository was last verified and found whole", {
    ...REPOSITORY,
    unit: "Unix time in seconds",
  }),
  repositorySize: holdfast("repository_size_bytes", "Bytes that the repository holds", { ...REPOSITORY, unit: "bytes" }),
  repositorySnapshots: holdfast("repository_snapshots", "Snapshots in the repository", { ...REPOSITORY, unit: "count" }),
  repositoryOldestSnapshot: holdfast("repository_oldest_snapshot_timestamp_seconds", "When the oldest snapshot was committed", {
    ...REPOSITORY,
    unit: "Unix time in seconds",
  }),
  repositoryNewestSnapshot: holdfast("repository_newest_snapshot_timestamp_seconds", "When the newest snapshot was committed", {
    ...REPOSITORY,
    unit: "Unix time in seconds",
  }),
  pruneLastSuccess: holdfast("prune_last_success_timestamp_seconds", "When data that no snapshot needs was last removed", {
    ...REPOSITORY,
    unit: "Unix time in seconds",
  }),
  pruneRemovedSnapshots: holdfast("prune_removed_snapshots", "Snapshots that the retention policy removed when it was last applied", {
    ...REPOSITORY,
    unit: "count",
  }),
  pruneRemovedObjects: holdfast("prune_removed_objects", "Objects that the last prune removed", { ...REPOSITORY, unit: "count" }),
  pruneRemovedBytes: holdfast("prune_removed_bytes", "Bytes that the last prune removed", { ...REPOSITORY, unit: "bytes" }),
  buildInfo: holdfast("build_info", "The program that ran last", { labels: "build", by: "job", when: "always", unit: "always 1" }),
} as const satisfies Record<string, Series>;

function holdfast(name: string, help: string, traits: Traits): Series {
  return { name: `holdfast_${name}`, help, ...traits };
}
