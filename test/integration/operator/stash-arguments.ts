// The arguments that Stash gives the containers of its jobs, written out here once more: nothing of the code under test takes part.

export interface StashStore {
  readonly provider: string;
  readonly bucket: string;
  readonly endpoint: string;
  readonly region: string;
  readonly path: string;
  readonly secret: string;
}

export interface StashRun {
  readonly namespace: string;
  readonly binding: string;
  readonly store: StashStore;
  readonly invoker: { readonly kind: string; readonly name: string };
  /** Of a backup; none for a restore. */
  readonly session?: string;
  /** As "last=5": what the retention policy keeps. */
  readonly keeps?: readonly string[];
  /** The Task's parameter `args`. */
  readonly args?: string;
  /** What a restore takes. */
  readonly snapshot?: string;
  /** Versions from 7.3.2 on know dashboards. */
  readonly hasDashboards?: boolean;
}

/** Those of the container that backs up. */
export function backupArguments(engine: "redis" | "es", run: StashRun): readonly string[] {
  const { args = "", session = "" } = run;
  if (engine === "redis") {
    return [
      ...["backup-redis", ...backend(run), "--hostname=host-0", `--redis-args=${args}`, "--wait-timeout=300", ...target(run)],
      ...[`--backupsession=${session}`, ...retention(run), ...ending],
    ];
  }
  return [
    ...["backup-es", ...backend(run), "--wait-timeout=300", "--hostname=host-0", interim, ...target(run)],
    ...[`--backupsession=${session}`, `--es-args=${args}`, ...retention(run), ...ending],
    ...(run.hasDashboards ? ["--enable-dashboard-backup=false"] : []),
  ];
}

/** Those of the container that restores, for a target without an alias. */
export function restoreArguments(engine: "redis" | "es", run: StashRun): readonly string[] {
  const { args = "", snapshot = "" } = run;
  const hosts = ["--hostname=", "--source-hostname="];
  if (engine === "redis") {
    return [
      ...["restore-redis", ...backend(run), ...hosts, `--redis-args=${args}`, "--wait-timeout=300", ...target(run)],
      ...[`--snapshot=${snapshot}`, ...ending],
    ];
  }
  return [
    ...["restore-es", ...backend(run), "--wait-timeout=300", ...hosts, interim, ...target(run)],
    ...[`--snapshot=${snapshot}`, `--es-args=${args}`, ...ending],
    ...(run.hasDashboards ? ["--enable-dashboard-restore=false"] : []),
  ];
}

/** Those of the container that tells the result. */
export function updateStatusArguments(run: StashRun, gateway: string): readonly string[] {
  const { namespace, store, invoker, session = "", binding } = run;
  return [
    ...["update-status", ...place(run), "--enable-cache=true", "--max-connections=0", `--namespace=${namespace}`],
    ...[`--backupsession=${session}`, `--storage-secret-name=${store.secret}`, `--storage-secret-namespace=${namespace}`],
    ...[`--invoker-kind=${invoker.kind}`, `--invoker-name=${invoker.name}`, "--target-kind=AppBinding"],
    ...[`--target-name=${binding}`, `--target-namespace=${namespace}`, "--output-dir=/stash-tmp/output", "--metrics-enabled=true"],
    ...["--scratch-dir=/stash-tmp", `--metrics-pushgateway-url=${gateway}`],
  ];
}

const interim = "--interim-data-dir=/stash-tmp/stash-interim-volume/data";
const ending = ["--output-dir=/stash-tmp/output", "--license-apiservice="];

function place({ store: { provider, bucket, endpoint, region, path } }: StashRun): readonly string[] {
  return [
    ...[`--provider=${provider}`, `--bucket=${bucket}`, `--endpoint=${endpoint}`, "--insecure-tls=false"],
    ...[`--region=${region}`, `--path=${path}`],
  ];
}

function backend(run: StashRun): readonly string[] {
  return [
    ...[...place(run), `--storage-secret-name=${run.store.secret}`, `--storage-secret-namespace=${run.namespace}`],
    ...["--scratch-dir=/stash-tmp", "--enable-cache=true", "--max-connections=0"],
  ];
}

function target({ namespace, binding }: StashRun): readonly string[] {
  return [`--namespace=${namespace}`, `--appbinding=${binding}`, `--appbinding-namespace=${namespace}`];
}

function retention({ keeps = [] }: StashRun): readonly string[] {
  const kept = (period: string) => keeps.find((each) => each.startsWith(`${period}=`)) ?? `${period}=0`;
  const counts = ["last", "hourly", "daily", "weekly", "monthly", "yearly"].map((period) => `--retention-keep-${kept(period)}`);
  return [...counts, "--retention-keep-tags=", "--retention-prune=true", "--retention-dry-run=false"];
}
