import type { Log } from "../runner/function.ts";
import { findApi } from "../runner/kubernetes/api-place.ts";
import type { Success } from "../runner/report.ts";
import type { CreateBackupSessionParameters } from "./create-backup-session-parameters.ts";
import { triggerSession } from "./trigger-session.ts";
import { openObjectsApi } from "./watch/server-objects-api.ts";

export interface CreateBackupSessionParts {
  readonly signal: AbortSignal;
  readonly log: Log;
  readonly environment: Readonly<Record<string, string | undefined>>;
  warn(reason: string, message: string): void;
}

/** What the pods of a BackupConfiguration's CronJob run: asks for one backup, and leaves the rest to the operator. @throws as `triggerSession` does */
export async function createBackupSession(
  { kubeconfig, master, ...parameters }: CreateBackupSessionParameters,
  { signal, log, environment, warn }: CreateBackupSessionParts,
): Promise<Success> {
  const place = { kubeconfig, master, environment, warn: (message: string) => warn("ClusterWarning", message) };
  using api = openObjectsApi(await findApi(place), place);
  const { name, isNew } = await triggerSession(parameters, { api, log, signal });
  const label = `BackupSession "${parameters.namespace}/${name}"`;
  return { message: isNew ? `${label} is made` : `${label} was made already` };
}
