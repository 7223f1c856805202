// What Stash's catalog says of Elasticsearch, as data: the Functions' arguments in their order.
import type { StashCatalog } from "../../runner/function.ts";

const versions = ["5.6.4", "6.2.4", "6.3.0", "6.4.0", "6.5.3", "6.8.0", "7.2.0", "7.3.2", "7.14.0", "8.2.0"];
const versionsWithDashboards = new Set(["7.3.2", "7.14.0", "8.2.0"]);

export const esBackupCatalog: StashCatalog = {
  name: "elasticsearch-backup",
  versions,
  args: ({ backend, target, retention, flag }, version) => [
    ...backend,
    flag("wait-timeout", "waitTimeout", "300"),
    flag("hostname", "HOSTNAME", ""),
    flag("interim-data-dir", "INTERIM_DATA_DIR"),
    ...target,
    flag("backupsession", "BACKUP_SESSION", ""),
    flag("es-args", "args", ""),
    ...retention,
    flag("output-dir", "outputDir", ""),
    flag("license-apiservice", "LICENSE_APISERVICE", ""),
    ...(versionsWithDashboards.has(version) ? [flag("enable-dashboard-backup", "ENABLE_DASHBOARD_BACKUP", "false")] : []),
  ],
};

export const esRestoreCatalog: StashCatalog = {
  name: "elasticsearch-restore",
  versions,
  args: ({ backend, target, flag }, version) => [
    ...backend,
    flag("wait-timeout", "waitTimeout", "300"),
    flag("hostname", "HOSTNAME", ""),
    flag("source-hostname", "SOURCE_HOSTNAME", ""),
    flag("interim-data-dir", "INTERIM_DATA_DIR"),
    ...target,
    flag("snapshot", "RESTORE_SNAPSHOTS", ""),
    flag("es-args", "args", ""),
    flag("output-dir", "outputDir", ""),
    flag("license-apiservice", "LICENSE_APISERVICE", ""),
    ...(versionsWithDashboards.has(version) ? [flag("enable-dashboard-restore", "ENABLE_DASHBOARD_RESTORE", "false")] : []),
  ],
};
