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
  /** Of Elasticsearch's addon alone. */
  readonly interimDataDir?: string;
  /** The same: "true" is refused. */
  readonly dashboards?: string;
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
  ];
}

function targetArguments(filled: Filled): string[] {
  return [
    `--namespace=${filled.namespace ?? "default"}`,
    `--appbinding=${filled.targetName ?? ""}`,
    `--appbinding-namespace=${filled.targetNamespace ?? ""}`,
  ];
}

function retentionArguments(): string[] {
  return [
    ...["last", "hourly", "daily", "weekly", "monthly", "yearly"].map((span) => `--retention-keep-${span}=0`),
    "--retention-keep-tags=",
    "--retention-prune=false",
    "--retention-dry-run=false",
  ];
}

function waitArgument({ waitTimeout = "300" }: Filled): string {
  return `--wait-timeout=${waitTimeout}`;
}

function hostArgument({ hostname = "" }: Filled): string {
  return `--hostname=${hostname}`;
}

/** redis-backup-7.0.5 */
export function shippedBackupArguments(filled: Filled): string[] {
  return [
    "backup-redis",
    ...storeArguments(filled),
    hostArgument(filled),
    `--redis-args=${filled.args ?? ""}`,
    waitArgument(filled),
    ...targetArguments(filled),
    `--backupsession=${filled.backupSession ?? ""}`,
    ...retentionArguments(),
    `--output-dir=${filled.outputDir ?? ""}`,
    "--license-apiservice=",
  ];
}

/** redis-restore-7.0.5 */
export function shippedRestoreArguments(filled: Filled): string[] {
  return [
    "restore-redis",
    ...storeArguments(filled),
    hostArgument(filled),
    `--source-hostname=${filled.sourceHostname ?? ""}`,
    `--redis-args=${filled.args ?? ""}`,
    waitArgument(filled),
    ...targetArguments(filled),
    `--snapshot=${filled.snapshot ?? ""}`,
    `--output-dir=${filled.outputDir ?? ""}`,
    "--license-apiservice=",
  ];
}

/** elasticsearch-backup-8.2.0 */
export function shippedEsBackupArguments(filled: Filled): string[] {
  return [
    "backup-es",
    ...storeArguments(filled),
    waitArgument(filled),
    hostArgument(filled),
    `--interim-data-dir=${filled.interimDataDir ?? "/stash-tmp/stash-interim-volume/data"}`,
    ...targetArguments(filled),
    `--backupsession=${filled.backupSession ?? ""}`,
    `--es-args=${filled.args ?? ""}`,
    ...retentionArguments(),
    `--output-dir=${filled.outputDir ?? ""}`,
    "--license-apiservice=",
    `--enable-dashboard-backup=${filled.dashboards ?? "false"}`,
  ];
}

/** elasticsearch-restore-8.2.0 */
export function shippedEsRestoreArguments(filled: Filled): string[] {
  return [
    "restore-es",
    ...storeArguments(filled),
    waitArgument(filled),
    hostArgument(filled),
    `--source-hostname=${filled.sourceHostname ?? ""}`,
    `--interim-data-dir=${filled.interimDataDir ?? "/stash-tmp/stash-interim-volume/data"}`,
    ...targetArguments(filled),
    `--snapshot=${filled.snapshot ?? ""}`,
    `--es-args=${filled.args ?? ""}`,
    `--output-dir=${filled.outputDir ?? ""}`,
    "--license-apiservice=",
    `--enable-dashboard-restore=${filled.dashboards ?? "false"}`,
  ];
}
