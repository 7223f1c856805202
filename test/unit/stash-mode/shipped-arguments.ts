// The arguments of the Functions that Stash ships, as its operator fills them in: what is not set arrives empty.
interface Filled {
  readonly provider?: string;
  readonly bucket?: string;
  readonly endpoint?: string;
  readonly insecureTls?: string;
  readonly region?: string;
  readonly prefix?: string;
  readonly secretName?: string;
  readonly secretNamespace?: string;
  readonly hostname?: string;
  readonly sourceHostname?: string;
  readonly args?: string;
  readonly waitTimeout?: string;
  readonly namespace?: string;
  readonly targetName?: string;
  readonly targetNamespace?: string;
  readonly backupSession?: string;
  readonly snapshot?: string;
  readonly outputDir?: string;
}

export type { Filled as ShippedVariables };

function storeArguments(filled: Filled): string[] {
  return [
    `--provider=${filled.provider ?? ""}`,
    `--bucket=${filled.bucket ?? ""}`,
    `--endpoint=${filled.endpoint ?? ""}`,
    `--insecure-tls=${filled.insecureTls ?? ""}`,
    `--region=${filled.region ?? ""}`,
    `--path=${filled.prefix ?? ""}`,
    `--storage-secret-name=${filled.secretName ?? ""}`,
    `--storage-secret-namespace=${filled.secretNamespace ?? ""}`,
    "--scratch-dir=/stash-tmp",
    "--enable-cache=true",
    "--max-connections=0",
    `--hostname=${filled.hostname ?? ""}`,
  ];
}

function targetArguments(filled: Filled): string[] {
  return [
    `--redis-args=${filled.args ?? ""}`,
    `--wait-timeout=${filled.waitTimeout ?? "300"}`,
    `--namespace=${filled.namespace ?? "default"}`,
    `--appbinding=${filled.targetName ?? ""}`,
    `--appbinding-namespace=${filled.targetNamespace ?? ""}`,
  ];
}

/** redis-backup-7.0.5 */
export function shippedBackupArguments(filled: Filled): string[] {
  return [
    "backup-redis",
    ...storeArguments(filled),
    ...targetArguments(filled),
    `--backupsession=${filled.backupSession ?? ""}`,
    ...["last", "hourly", "daily", "weekly", "monthly", "yearly"].map((span) => `--retention-keep-${span}=0`),
    "--retention-keep-tags=",
    "--retention-prune=false",
    "--retention-dry-run=false",
    `--output-dir=${filled.outputDir ?? ""}`,
    "--license-apiservice=",
  ];
}

/** redis-restore-7.0.5 */
export function shippedRestoreArguments(filled: Filled): string[] {
  return [
    "restore-redis",
    ...storeArguments(filled),
    `--source-hostname=${filled.sourceHostname ?? ""}`,
    ...targetArguments(filled),
    `--snapshot=${filled.snapshot ?? ""}`,
    `--output-dir=${filled.outputDir ?? ""}`,
    "--license-apiservice=",
  ];
}
