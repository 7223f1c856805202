// What Stash's catalog says of Redis, as data: the Functions' arguments in their order.
import type { StashCatalog } from "../../runner/function.ts";

const versions = ["5.0.13", "6.2.5", "7.0.5"];

export const redisBackupCatalog: StashCatalog = {
  name: "redis-backup",
  versions,
  args: ({ backend, target, retention, flag }) => [
    ...backend,
    flag("hostname", "HOSTNAME", ""),
    flag("redis-args", "args", ""),
    flag("wait-timeout", "waitTimeout", "300"),
    ...target,
    flag("backupsession", "BACKUP_SESSION", ""),
    ...retention,
    flag("output-dir", "outputDir", ""),
    flag("license-apiservice", "LICENSE_APISERVICE", ""),
  ],
};

export const redisRestoreCatalog: StashCatalog = {
  name: "redis-restore",
  versions,
  args: ({ backend, target, flag }) => [
    ...backend,
    flag("hostname", "HOSTNAME", ""),
    flag("source-hostname", "SOURCE_HOSTNAME", ""),
    flag("redis-args", "args", ""),
    flag("wait-timeout", "waitTimeout", "300"),
    ...target,
    flag("snapshot", "RESTORE_SNAPSHOTS", ""),
    flag("output-dir", "outputDir", ""),
    flag("license-apiservice", "LICENSE_APISERVICE", ""),
  ],
};
