// Stash's series as its operator and its jobs push them: new name, legacy name, labels, when. Written down here a second time, so that the project's own table
// is held against something.

const I = ["driver", "invoker_kind", "invoker_name", "namespace", "repository"];
const T = ["group", "kind", "name"];
const H = [...T, "hostname"];
const P = ["backend", "bucket", "name", "prefix"];

export interface ContractRow {
  readonly name: string;
  readonly legacyName: string;
  readonly labels: readonly string[];
  readonly from: "backup session" | "backup target" | "host backup" | "repository" | "restore session" | "restore target" | "host restore";
  readonly isOnlyOnSuccess: boolean;
}

type Row = readonly [string, string, readonly string[], ContractRow["from"], "always" | "success"];

const ROWS: readonly Row[] = [
  ["backupsession_success", "backup_session_success", I, "backup session", "always"],
  ["backupsession_duration_seconds", "backup_session_duration_seconds", I, "backup session", "success"],
  ["backupsession_target_count_total", "backup_target_count_total", I, "backup session", "success"],
  ["backupsession_last_success_time_seconds", "backup_last_success_time_seconds", I, "backup session", "success"],
  ["backupsession_target_success", "backup_target_success", [...I, ...T], "backup target", "always"],
  ["backupsession_target_host_count_total", "backup_target_host_count_total", [...I, ...T], "backup target", "success"],
  ["backupsession_target_last_success_time_seconds", "backup_target_last_success_time_seconds", [...I, ...T], "backup target", "success"],
  ["backupsession_host_backup_success", "backup_host_backup_success", [...I, ...H], "host backup", "always"],
  ["backupsession_host_backup_duration_seconds", "backup_host_backup_duration_seconds", [...I, ...H], "host backup", "success"],
  ["backupsession_host_data_size_bytes", "backup_host_data_size_bytes", [...I, ...H], "host backup", "success"],
  ["backupsession_host_data_uploaded_bytes", "backup_host_data_uploaded_bytes", [...I, ...H], "host backup", "success"],
  ["backupsession_host_data_processing_time_seconds", "backup_host_data_processing_time_seconds", [...I, ...H], "host backup", "success"],
  ["backupsession_host_files_total", "backup_host_files_total", [...I, ...H], "host backup", "success"],
  ["backupsession_host_files_new", "backup_host_files_new", [...I, ...H], "host backup", "success"],
  ["backupsession_host_files_modified", "backup_host_files_modified", [...I, ...H], "host backup", "success"],
  ["backupsession_host_files_unmodified", "backup_host_files_unmodified", [...I, ...H], "host backup", "success"],
  ["repository_integrity", "repository_integrity", [...I, ...P], "repository", "always"],
  ["repository_size_bytes", "repository_size_bytes", [...I, ...P], "repository", "always"],
  ["repository_snapshot_count", "repository_snapshot_count", [...I, ...P], "repository", "always"],
  ["repository_snapshot_cleaned", "repository_snapshot_cleaned", [...I, ...P], "repository", "always"],
  ["restoresession_success", "restore_session_success", I, "restore session", "always"],
  ["restoresession_duration_seconds", "restore_session_duration_seconds", I, "restore session", "success"],
  ["restoresession_target_count_total", "restore_target_count_total", I, "restore session", "success"],
  ["restoresession_target_success", "restore_target_success", [...I, ...T], "restore target", "always"],
  ["restoresession_target_host_count_total", "restore_target_host_count_total", [...I, ...T], "restore target", "success"],
  ["restoresession_host_restore_success", "restore_host_restore_success", [...I, ...H], "host restore", "always"],
  ["restoresession_host_restore_duration_seconds", "restore_host_restore_duration_seconds", [...I, ...H], "host restore", "success"],
];

export const STASH_CONTRACT: readonly ContractRow[] = ROWS.map(([name, legacyName, labels, from, when]) => ({
  name: `stash_appscode_com_${name}`,
  legacyName: `stash_${legacyName}`,
  labels: [...labels].sort(),
  from,
  isOnlyOnSuccess: when === "success",
}));
