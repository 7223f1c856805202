// How Stash calls its Elasticsearch addon.
import type { StashCommand } from "../../runner/function.ts";
import { readBackupArguments, readRestoreArguments } from "./stash-arguments.ts";
import { esBackupCatalog, esRestoreCatalog } from "./stash-manifests.ts";

const DASHBOARDS = "saved objects of Kibana and OpenSearch Dashboards are not carried; export them there, by spaces, and turn this off";

export const esBackupStashCommand: StashCommand = {
  name: "backup-es",
  argumentsFlag: "es-args",
  pathFlag: "interim-data-dir",
  refusedSwitches: { "enable-dashboard-backup": DASHBOARDS },
  readArguments: readBackupArguments,
  catalog: esBackupCatalog,
};

export const esRestoreStashCommand: StashCommand = {
  name: "restore-es",
  argumentsFlag: "es-args",
  pathFlag: "interim-data-dir",
  refusedSwitches: { "enable-dashboard-restore": DASHBOARDS },
  readArguments: readRestoreArguments,
  catalog: esRestoreCatalog,
};
