// The runner's own parameters. A function adds its own table; README.md's table is made from all of them.
import * as z from "zod";
import { durationParameter, switchParameter, textParameter } from "./parameter-kinds.ts";

const repository = {
  manifests: textParameter({
    flag: "manifests",
    env: ["HOLDFAST_MANIFESTS"],
    placeholder: "DIR",
    expected: "a directory or file of YAML documents",
    help: "Read objects from these YAML files, and write statuses beside them, instead of the Kubernetes API",
  }),
  kubeconfig: textParameter({
    flag: "kubeconfig",
    env: [],
    placeholder: "FILE",
    expected: "a kubeconfig file",
    help: "How to reach the Kubernetes API; else KUBECONFIG, else the service account of the pod",
  }),
  master: textParameter({
    flag: "master",
    env: ["HOLDFAST_MASTER"],
    placeholder: "URL",
    expected: "a URL",
    help: "Address of the Kubernetes API, instead of the one in the kubeconfig",
  }),
  namespace: {
    ...textParameter({
      flag: "namespace",
      env: ["NAMESPACE"],
      placeholder: "NS",
      expected: "a namespace",
      help: "Namespace of the objects",
      default: "default",
    }),
    schema: z.string().min(1).default("default"),
  },
  repository: textParameter({
    flag: "repository",
    env: ["REPOSITORY_NAME"],
    placeholder: "NAME",
    expected: "the name of a Repository object",
    help: "Repository object that says where backups lie",
  }),
  repositoryNamespace: textParameter({
    flag: "repository-namespace",
    env: ["REPOSITORY_NAMESPACE"],
    placeholder: "NS",
    expected: "a namespace",
    help: "Namespace of the Repository, when it is another one",
  }),
  store: textParameter({
    flag: "store",
    env: ["HOLDFAST_STORE"],
    placeholder: "DIR|s3://BUCKET/PREFIX",
    expected: "a directory or s3://BUCKET/PREFIX",
    help: "Where backups lie, without a Repository object",
  }),
  s3Endpoint: textParameter({
    flag: "s3-endpoint",
    env: ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"],
    placeholder: "URL",
    expected: "a URL, or HOST:PORT for https",
    help: "Endpoint of an S3-compatible store; AWS when absent",
  }),
  s3Region: textParameter({
    flag: "s3-region",
    env: ["AWS_REGION", "AWS_DEFAULT_REGION"],
    placeholder: "REGION",
    expected: "a region name",
    help: "Region of the bucket",
    default: "us-east-1",
  }),
  s3Ca: textParameter({
    flag: "s3-ca",
    env: ["HOLDFAST_S3_CA"],
    placeholder: "FILE",
    expected: "a PEM file",
    help: "Trust this authority for the S3 endpoint too",
  }),
  passwordFile: textParameter({
    flag: "password-file",
    env: ["RESTIC_PASSWORD_FILE"],
    placeholder: "FILE",
    expected: "a file",
    help: "The repository's passphrase is this file's first line; else RESTIC_PASSWORD, or the storage Secret",
  }),
};

const running = {
  timeout: durationParameter({
    flag: "timeout",
    env: ["HOLDFAST_TIMEOUT"],
    help: "Fail when the whole run takes longer; 0 is no limit",
    default: "0",
  }),
  report: textParameter({
    flag: "report",
    env: ["HOLDFAST_REPORT"],
    placeholder: "FILE",
    expected: "a file",
    help: "Write the outcome as JSON to this file, on failure too",
  }),
  terminationLog: {
    ...textParameter({
      flag: "termination-log",
      env: ["HOLDFAST_TERMINATION_LOG"],
      placeholder: "FILE",
      expected: "a file",
      help: "Where Kubernetes reads the termination message; used when the file exists",
      default: "/dev/termination-log",
    }),
    schema: z.string().min(1).default("/dev/termination-log"),
  },
  logFormat: {
    flag: "log-format",
    env: ["HOLDFAST_LOG_FORMAT"],
    placeholder: "FORMAT",
    expected: "auto, json or text",
    help: "JSON lines, or text for a person; auto is text on a terminal",
    default: "auto",
    schema: z.enum(["auto", "json", "text"]).default("auto"),
  },
  logLevel: {
    flag: "log-level",
    env: ["HOLDFAST_LOG_LEVEL"],
    placeholder: "LEVEL",
    expected: "debug, info, warn or error",
    help: "The least level that is logged, on stderr",
    default: "info",
    schema: z.enum(["debug", "info", "warn", "error"]).default("info"),
  },
};

const database = {
  appbinding: textParameter({
    flag: "appbinding",
    env: ["TARGET_NAME"],
    placeholder: "NAME",
    expected: "the name of an AppBinding object",
    help: "AppBinding that says where the database is",
  }),
  appbindingNamespace: textParameter({
    flag: "appbinding-namespace",
    env: ["TARGET_NAMESPACE"],
    placeholder: "NS",
    expected: "a namespace",
    help: "Namespace of the AppBinding, when it is another one",
  }),
  url: textParameter({
    flag: "url",
    env: ["HOLDFAST_URL"],
    placeholder: "SCHEME://[USER@]HOST:PORT",
    expected: "a URL without a password",
    help: "Where the database is, without an AppBinding; its password comes from HOLDFAST_DATABASE_PASSWORD",
  }),
  databasePasswordFile: textParameter({
    flag: "database-password-file",
    env: ["HOLDFAST_DATABASE_PASSWORD_FILE"],
    placeholder: "FILE",
    expected: "a file",
    help: "The database's password is this file's first line (with --url)",
  }),
  tlsCa: textParameter({
    flag: "tls-ca",
    env: ["HOLDFAST_TLS_CA"],
    placeholder: "FILE",
    expected: "a PEM file",
    help: "Speak TLS to the database and trust this authority (with --url)",
  }),
  tlsCert: textParameter({
    flag: "tls-cert",
    env: ["HOLDFAST_TLS_CERT"],
    placeholder: "FILE",
    expected: "a PEM file",
    help: "Client certificate for the database (with --url)",
  }),
  tlsKey: textParameter({
    flag: "tls-key",
    env: ["HOLDFAST_TLS_KEY"],
    placeholder: "FILE",
    expected: "a PEM file",
    help: "Key of the client certificate (with --url)",
  }),
  tlsServerName: textParameter({
    flag: "tls-server-name",
    env: ["HOLDFAST_TLS_SERVER_NAME"],
    placeholder: "NAME",
    expected: "a host name",
    help: "Name the database's certificate must have, when it is not the host (with --url)",
  }),
  tlsInsecure: switchParameter({
    flag: "tls-insecure-skip-verify",
    env: ["HOLDFAST_TLS_INSECURE_SKIP_VERIFY"],
    help: "Do not verify the database's certificate; recorded in the manifest (with --url)",
  }),
  waitTimeout: durationParameter({
    flag: "wait-timeout",
    env: ["HOLDFAST_WAIT_TIMEOUT", "waitTimeout"],
    help: "How long to wait for a database that is loading or refuses connections",
    default: "300",
  }),
  host: {
    ...textParameter({
      flag: "hostname",
      env: ["HOLDFAST_HOST"],
      placeholder: "NAME",
      expected: "a name",
      help: "Host that the snapshot belongs to: Stash's alias",
      default: "host-0",
    }),
    schema: z.string().min(1).default("host-0"),
  },
};

const snapshot = (help: string, fallback: string | undefined) =>
  textParameter({
    flag: "snapshot",
    env: ["RESTORE_SNAPSHOTS"],
    placeholder: "ID",
    expected: "a snapshot id or latest",
    help,
    ...(fallback ? { default: fallback } : {}),
  });

const json = switchParameter({ flag: "json", env: ["HOLDFAST_JSON"], help: "Print JSON on stdout" });

const databaseRun = { ...database, ...repository, ...running };
const verifyAfter = switchParameter({
  flag: "verify-after",
  env: ["HOLDFAST_VERIFY_AFTER"],
  help: "Read the new snapshot back once it is committed; what differs fails the run",
});

const pushgateway = textParameter({
  flag: "pushgateway-url",
  env: ["PROMETHEUS_PUSHGATEWAY_URL"],
  placeholder: "URL",
  expected: "a URL",
  help: "Push metrics to this Prometheus Pushgateway at the end; a gateway that fails is warned of and fails nothing",
});
const session = (flag: string, variable: string, kind: string) =>
  textParameter({
    flag,
    env: [variable],
    placeholder: "NAME",
    expected: `the name of a ${kind} object`,
    help: `Write the outcome into the status of this ${kind}`,
  });
/** What is read back after a backup that its session wants verified. */
export const integritySample = {
  flag: "integrity-sample",
  env: ["HOLDFAST_INTEGRITY_SAMPLE"],
  placeholder: "PERCENT",
  expected: "a percentage above 0, at most 100",
  help: "When the session wants the repository verified, read this share of the objects; another share each day, until all were read",
  default: "10",
  schema: z.coerce.number().positive().max(100).default(10),
};

export const backupParameters = {
  ...databaseRun,
  verifyAfter,
  session: session("backupsession", "BACKUP_SESSION", "BackupSession"),
  integritySample,
  pushgateway,
};
export const restoreParameters = {
  ...databaseRun,
  session: session("restoresession", "RESTORE_SESSION", "RestoreSession"),
  sourceHost: textParameter({
    flag: "source-hostname",
    env: ["SOURCE_HOSTNAME"],
    placeholder: "NAME",
    expected: "a name",
    help: "Host whose snapshot is restored, when it is another than --hostname",
  }),
  pushgateway,
  snapshot: { ...snapshot("Snapshot to restore", "latest"), schema: z.string().min(1).default("latest") },
};
export const snapshotsParameters = { ...repository, ...running, json };
export const verifyParameters = {
  ...repository,
  ...running,
  snapshot: snapshot("Verify this snapshot only; all when absent", undefined),
  sample: {
    flag: "sample",
    env: ["HOLDFAST_VERIFY_SAMPLE"],
    placeholder: "PERCENT",
    expected: "a percentage above 0, at most 100",
    help: "Read this share of the objects; another share each day, until all were read",
    default: "100",
    schema: z.coerce.number().positive().max(100).default(100),
  },
  json,
};
