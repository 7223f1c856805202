import { esBackupParameters, esRestoreParameters } from "../../../functions/elasticsearch/parameters.ts";
import { esBackupStashCommand, esRestoreStashCommand } from "../../../functions/elasticsearch/stash-command.ts";
import { functions } from "../../../functions/index.ts";
import type { DatabaseFunction } from "../../../runner/function.ts";

const run = () => Promise.reject(new Error("This function is never run"));
const common = { engine: "elasticsearch", summary: "", run } as const;

/** All functions, those of Elasticsearch without their work. */
export const stashFunctions: readonly DatabaseFunction[] = [
  ...functions.filter(({ engine }) => engine !== "elasticsearch"),
  { ...common, kind: "backup", name: "es-backup", parameters: esBackupParameters, stash: esBackupStashCommand },
  { ...common, kind: "restore", name: "es-restore", parameters: esRestoreParameters, stash: esRestoreStashCommand },
];
