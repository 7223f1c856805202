import type { Series, Traits } from "./series.ts";

const ENDED = { unit: "0 or 1", by: "operator", when: "always" } as const;
const SECONDS = { unit: "seconds", by: "operator", when: "success" } as const;
const TIME = { unit: "Unix time in seconds", by: "operator", when: "success" } as const;
const COUNT = { unit: "count", by: "operator", when: "success" } as const;
const HOST_ENDED = { unit: "0 or 1", labels: "host", by: "job", when: "always" } as const;
const HOST_SECONDS = { unit: "seconds", labels: "host", by: "job", when: "success" } as const;
const HOST_BYTES = { unit: "bytes", labels: "host", by: "job", when: "success" } as const;
const HOST_COUNT = { unit: "count", labels: "host", by: "job", when: "success" } as const;
const STORE = { labels: "store", by: "job", when: "known" } as const;

/** Stash's series, under both of their names. Their units are what the names say, and every one is a gauge, those called `_total` too. */
export const STASH_SERIES = {
  backupSessionSuccess: stash(
    "backupsession_success",
    "backup_session_success",
    "Whether every target of the last backup session succeeded",
    {
      ...ENDED,
      labels: "invoker",
    },
  ),
  backupSessionDuration: stash(
    "backupsession_duration_seconds",
    "backup_session_duration_seconds",
    "How long the last good backup session took",
    { ...SECONDS, labels: "invoker" },
  ),
  backupSessionTargets: stash(
    "backupsession_target_count_total",
    "backup_target_count_total",
    "How many targets the last good backup session had",
    { ...COUNT, labels: "invoker" },
  ),
  backupSessionLastSuccess: stash(
    "backupsession_last_success_time_seconds",
    "backup_last_success_time_seconds",
    "When the last good backup session ended",
    { ...TIME, labels: "invoker" },
  ),
  backupTargetSuccess: stash("backupsession_target_success", "backup_target_success", "Whether the last backup of the target succeeded", {
    ...ENDED,
    labels: "target",
  }),
  backupTargetHosts: stash(
    "backupsession_target_host_count_total",
    "backup_target_host_count_total",
    "How many hosts the last good backup of the target had",
    { ...COUNT, labels: "target" },
  ),
  backupTargetLastSuccess: stash(
    "backupsession_target_last_success_time_seconds",
    "backup_target_last_success_time_seconds",
    "When the last good backup of the target ended",
    { ...TIME, labels: "target" },
  ),
  hostBackupSuccess: stash(
    "backupsession_host_backup_success",
    "backup_host_backup_success",
    "Whether the last backup of the host succeeded",
    HOST_ENDED,
  ),
  hostBackupDuration: stash(
    "backupsession_host_backup_duration_seconds",
    "backup_host_backup_duration_seconds",
    "How long the last good backup of the host took",
    HOST_SECONDS,
  ),
  hostDataSize: stash(
    "backupsession_host_data_size_bytes",
    "backup_host_data_size_bytes",
    "Bytes in the last good backup of the host, before compression",
    HOST_BYTES,
  ),
  hostDataUploaded: stash(
    "backupsession_host_data_uploaded_bytes",
    "backup_host_data_uploaded_bytes",
    "Bytes that the last good backup of the host added to the store",
    HOST_BYTES,
  ),
  hostProcessingTime: stash(
    "backupsession_host_data_processing_time_seconds",
    "backup_host_data_processing_time_seconds",
    "How long the data of the last good backup of the host was worked on",
    HOST_SECONDS,
  ),
  hostFiles: stash("backupsession_host_files_total", "backup_host_files_total", "Files in the last good backup of the host", HOST_COUNT),
  hostFilesNew: stash("backupsession_host_files_new", "backup_host_files_new", "New files in the last good backup of the host", HOST_COUNT),
  hostFilesModified: stash(
    "backupsession_host_files_modified",
    "backup_host_files_modified",
    "Changed files in the last good backup of the host",
    HOST_COUNT,
  ),
  hostFilesUnmodified: stash(
    "backupsession_host_files_unmodified",
    "backup_host_files_unmodified",
    "Unchanged files in the last good backup of the host",
    HOST_COUNT,
  ),
  repositoryIntegrity: stash(
    "repository_integrity",
    "repository_integrity",
    "Whether the repository was whole when it was last verified; 0 when it was not",
    { ...STORE, unit: "0 or 1" },
  ),
  repositorySize: stash("repository_size_bytes", "repository_size_bytes", "Bytes that the repository holds", { ...STORE, unit: "bytes" }),
  repositorySnapshots: stash("repository_snapshot_count", "repository_snapshot_count", "Snapshots in the repository", {
    ...STORE,
    unit: "count",
  }),
  repositoryCleaned: stash(
    "repository_snapshot_cleaned",
    "repository_snapshot_cleaned",
    "Snapshots that the retention policy removed when it was last applied",
    { ...STORE, unit: "count" },
  ),
  restoreSessionSuccess: stash("restoresession_success", "restore_session_success", "Whether every target of the restore succeeded", {
    ...ENDED,
    labels: "invoker",
  }),
  restoreSessionDuration: stash("restoresession_duration_seconds", "restore_session_duration_seconds", "How long the good restore took", {
    ...SECONDS,
    labels: "invoker",
  }),
  restoreSessionTargets: stash("restoresession_target_count_total", "restore_target_count_total", "How many targets the good restore had", {
    ...COUNT,
    labels: "invoker",
  }),
  restoreTargetSuccess: stash("restoresession_target_success", "restore_target_success", "Whether the restore of the target succeeded", {
    ...ENDED,
    labels: "target",
  }),
  restoreTargetHosts: stash(
    "restoresession_target_host_count_total",
    "restore_target_host_count_total",
    "How many hosts the good restore of the target had",
    { ...COUNT, labels: "target" },
  ),
  hostRestoreSuccess: stash(
    "restoresession_host_restore_success",
    "restore_host_restore_success",
    "Whether the restore of the host succeeded",
    HOST_ENDED,
  ),
  hostRestoreDuration: stash(
    "restoresession_host_restore_duration_seconds",
    "restore_host_restore_duration_seconds",
    "How long the good restore of the host took",
    HOST_SECONDS,
  ),
} as const satisfies Record<string, Series>;

function stash(name: string, legacyName: string, help: string, traits: Traits): Series {
  return { name: `stash_appscode_com_${name}`, legacyName: `stash_${legacyName}`, help, ...traits };
}
