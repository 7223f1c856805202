// What the image runs beside backups and restores. The operator's own code is loaded on first use: a backup must not wait for it.
import type { Command } from "../runner/commands.ts";
import { type CreateBackupSessionParameters, createBackupSessionParameters } from "./create-backup-session-parameters.ts";
import { type OperatorParameters, operatorParameters } from "./parameters.ts";

export const operatorCommands: readonly Command[] = [
  {
    name: "operator",
    summary: "Turn BackupConfigurations into CronJobs, sessions into Jobs, and what becomes of them into statuses",
    parameters: operatorParameters,
    rules: () => [],
    execute: async (values: OperatorParameters, parts) => {
      const { runOperator } = await import("./run-operator.ts");
      return runOperator(values, { ...parts, environment: parts.sources.environment });
    },
  },
  {
    name: "create-backupsession",
    summary: "Ask for a backup of a BackupConfiguration, once for each time of its schedule",
    parameters: createBackupSessionParameters,
    rules: () => [],
    execute: async (values: CreateBackupSessionParameters, parts) => {
      const { createBackupSession } = await import("./create-backup-session.ts");
      return createBackupSession(values, { ...parts, environment: parts.sources.environment });
    },
  },
];
