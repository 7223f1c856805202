import { chooseTask, jobVariables, stepVariables } from "../../../runner/kubernetes/task-variables.ts";
import { appBinding, backup, repository, restore } from "./resolve-parts.ts";

const common = { repository: repository(), params: {}, settings: {} };

function ofBackup(spec: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, string>> {
  return Object.fromEntries(jobVariables(backup(spec), common));
}

function ofRestore(spec: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, string>> {
  return Object.fromEntries(jobVariables(restore(spec), common));
}

function ofRepository(backend: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  return Object.fromEntries(jobVariables(backup(), { ...common, repository: repository(backend) }));
}

const ref = { kind: "AppBinding", name: "carts" };

test("a backup's variables, all of them, when nothing special is said", () => {
  expect(ofBackup()).toEqual({
    NAMESPACE: "shop",
    BACKUP_SESSION: "nightly-1",
    INVOKER_KIND: "BackupConfiguration",
    INVOKER_NAME: "nightly",
    REPOSITORY_NAME: "vault",
    REPOSITORY_NAMESPACE: "shop",
    REPOSITORY_PROVIDER: "s3",
    REPOSITORY_BUCKET: "vault",
    REPOSITORY_PREFIX: "/carts",
    REPOSITORY_ENDPOINT: "s3:9000",
    REPOSITORY_REGION: "",
    REPOSITORY_INSECURE_TLS: "false",
    REPOSITORY_SECRET_NAME: "vault-key",
    REPOSITORY_SECRET_NAMESPACE: "shop",
    MAX_CONNECTIONS: "0",
    TARGET_KIND: "AppBinding",
    TARGET_NAME: "carts",
    TARGET_NAMESPACE: "shop",
    TARGET_PATHS: "/stash-data",
    TARGET_MOUNT_PATH: "/stash-data",
    HOSTNAME: "host-0",
    ENABLE_CACHE: "true",
    INTERIM_DATA_DIR: "/stash-tmp/stash-interim-volume/data",
    RETENTION_KEEP_LAST: "5",
    RETENTION_PRUNE: "true",
    LICENSE_APISERVICE: "",
    PROMETHEUS_PUSHGATEWAY_URL: "",
    PROMETHEUS_JOB_NAME: "nightly",
  });
});

test("a restore's variables, all of them, when nothing special is said", () => {
  const variables = ofRestore();

  expect(variables).toMatchObject({
    NAMESPACE: "shop",
    RESTORE_SESSION: "back",
    INVOKER_KIND: "RestoreSession",
    INVOKER_NAME: "back",
    HOSTNAME: "",
    SOURCE_HOSTNAME: "",
    RESTORE_PATHS: "",
    RESTORE_SNAPSHOTS: "",
    INCLUDE_PATTERNS: "",
    EXCLUDE_PATTERNS: "",
    TARGET_APP_REPLICAS: "1",
  });
  const onlyBackups = ["BACKUP_SESSION", "TARGET_PATHS", "RETENTION_KEEP_LAST", "RETENTION_PRUNE"];
  expect(onlyBackups.filter((name) => name in variables)).toEqual([]);
});

const onlyRestores = [
  "RESTORE_SESSION",
  "SOURCE_HOSTNAME",
  "RESTORE_PATHS",
  "RESTORE_SNAPSHOTS",
  "INCLUDE_PATTERNS",
  "TARGET_APP_REPLICAS",
];
test.each(onlyRestores)("a backup has no %s", (name) => {
  expect(ofBackup()).not.toHaveProperty(name);
});

test.each([
  [{ target: { ref, alias: "eu" } }, { HOSTNAME: "eu" }],
  [{ target: { ref: { ...ref, namespace: "other" } } }, { TARGET_NAMESPACE: "other" }],
  [{ target: { ref, paths: ["/a", "/b"], exclude: ["*.tmp", "x"] } }, { TARGET_PATHS: "/a,/b", EXCLUDE_PATTERNS: "*.tmp,x" }],
  [{ target: { ref, args: ["--a", "b"] } }, { DRIVER_ARGS: "--a b" }],
  [{ target: { ref, volumeMounts: [{ name: "v", mountPath: "/data" }] } }, { TARGET_MOUNT_PATH: "/data" }],
  [{ tempDir: { disableCaching: true } }, { ENABLE_CACHE: "false" }],
  [{ interimVolumeTemplate: { metadata: { name: "i" }, spec: {} } }, { INTERIM_DATA_DIR: "/stash-tmp/stash-interim-volume/data" }],
  [{ repository: { name: "vault", namespace: "other" } }, { REPOSITORY_NAMESPACE: "shop" }],
])("a backup with %j has %j", (spec, expected) => {
  expect(ofBackup(spec)).toMatchObject(expected);
});

test("every count above zero, the tags and both switches of a retention policy are variables; a zero is none", () => {
  const counts = { keepLast: 1, keepHourly: 2, keepDaily: 3, keepWeekly: 4, keepMonthly: 5, keepYearly: 6 };
  const all = ofBackup({ retentionPolicy: { name: "r", ...counts, keepTags: ["a", "b"], prune: true, dryRun: true } });
  const none = ofBackup({ retentionPolicy: { name: "r", keepLast: 0, keepTags: [], prune: false, dryRun: false } });

  expect(all).toMatchObject({
    RETENTION_KEEP_LAST: "1",
    RETENTION_KEEP_HOURLY: "2",
    RETENTION_KEEP_DAILY: "3",
    RETENTION_KEEP_WEEKLY: "4",
    RETENTION_KEEP_MONTHLY: "5",
    RETENTION_KEEP_YEARLY: "6",
    RETENTION_KEEP_TAGS: "a,b",
    RETENTION_PRUNE: "true",
    RETENTION_DRY_RUN: "true",
  });
  expect(Object.keys(none).filter((name) => name.startsWith("RETENTION"))).toEqual([]);
});

test.each([
  [
    { s3: { bucket: "b", region: "eu", insecureTLS: true } },
    { REPOSITORY_REGION: "eu", REPOSITORY_INSECURE_TLS: "true", REPOSITORY_PREFIX: "" },
  ],
  [{ gcs: { bucket: "b", prefix: "p", maxConnections: 3 } }, { REPOSITORY_PROVIDER: "gcs", REPOSITORY_BUCKET: "b", MAX_CONNECTIONS: "3" }],
  [{ azure: { container: "c", maxConnections: 4 } }, { REPOSITORY_PROVIDER: "azure", REPOSITORY_BUCKET: "c", MAX_CONNECTIONS: "4" }],
  [{ swift: { container: "c", prefix: "p" } }, { REPOSITORY_PROVIDER: "swift", REPOSITORY_BUCKET: "c", REPOSITORY_PREFIX: "p" }],
  [{ b2: { bucket: "b", maxConnections: 5 } }, { REPOSITORY_PROVIDER: "b2", MAX_CONNECTIONS: "5" }],
  [
    { rest: { url: "https://backup.example:8000/carts" } },
    {
      REPOSITORY_PROVIDER: "rest",
      REPOSITORY_BUCKET: "backup.example:8000",
      REPOSITORY_PREFIX: "/carts",
      REPOSITORY_ENDPOINT: "https://backup.example:8000/carts",
    },
  ],
  [{ local: { mountPath: "/vault", nfs: {} } }, { REPOSITORY_PROVIDER: "local", REPOSITORY_BUCKET: "/vault", REPOSITORY_PREFIX: "" }],
  [{ local: { mountPath: "/v" }, s3: { bucket: "b" } }, { REPOSITORY_PROVIDER: "local" }],
])("a repository with %j has %j", (backend, expected) => {
  expect(ofRepository(backend)).toMatchObject(expected);
});

test("only S3 and REST have an endpoint, only S3 has a region, and a repository without a Secret names none", () => {
  const variables = ofRepository({ gcs: { bucket: "b" }, storageSecretName: undefined });

  const absent = ["REPOSITORY_ENDPOINT", "REPOSITORY_REGION", "REPOSITORY_SECRET_NAME", "REPOSITORY_SECRET_NAMESPACE"];
  expect(absent.filter((name) => name in variables)).toEqual([]);
});

test("a REST server's password in the URL is refused, and not repeated", () => {
  const act = () => ofRepository({ rest: { url: "https://user:hunter2@backup.example/" } });

  expect(act).toThrow("holds a user or a password");
  expect(act).not.toThrow("hunter2");
});

test("an image has three parts, and settings that are not given are no variables", () => {
  const settings = {
    image: "registry.example:5000/tools/holdfast:1.2@sha256:0123456789abcdef0123456789abcdef",
    pushgatewayUrl: "http://push:9091",
  };

  const variables = Object.fromEntries(jobVariables(backup(), { ...common, settings }));

  expect(variables).toMatchObject({
    STASH_DOCKER_REGISTRY: "registry.example:5000/tools",
    STASH_DOCKER_IMAGE: "holdfast",
    STASH_IMAGE_TAG: "1.2@sha256:0123456789abcdef0123456789abcdef",
    PROMETHEUS_PUSHGATEWAY_URL: "http://push:9091",
  });
  expect(ofBackup()).not.toHaveProperty("STASH_DOCKER_IMAGE");
});

test("a task's parameter replaces a built-in variable; a step's parameter gives way to both; the image gives way to nothing", () => {
  const variables = jobVariables(backup(), { ...common, params: { HOSTNAME: "mine", ADDON_IMAGE: "theirs", policy: "skip" } });
  const params = ["HOSTNAME", "policy", "outputDir", "ADDON_IMAGE"].map((name) => ({ name, value: `step's ${name}` }));

  const names = stepVariables(variables, { params, image: "own" });

  expect(Object.fromEntries(names)).toMatchObject({ HOSTNAME: "mine", policy: "skip", outputDir: "step's outputDir", ADDON_IMAGE: "own" });
});

const addon = {
  backupTask: {
    name: "b",
    params: [
      { name: "args", value: "-db 1" },
      { name: "waitTimeout", value: "5" },
    ],
  },
  restoreTask: { name: "r", params: [{ name: "args", value: "--pipe-timeout 300" }] },
};

test("the AppBinding names the task when the invoker does not; the invoker's own parameters win one by one", () => {
  const own = backup({ task: { params: [{ name: "args", value: "mine" }] } });
  const named = backup({ task: { name: "mine" } });

  expect(chooseTask(appBinding(addon), own)).toEqual({ name: "b", params: { args: "mine", waitTimeout: "5" } });
  expect(chooseTask(appBinding(addon), named)).toEqual({ name: "mine", params: { args: "-db 1", waitTimeout: "5" } });
  expect(chooseTask(appBinding(addon), own, "given").name).toBe("given");
});

test("a restore takes the parameters of the restore task, never those of the backup task (R22)", () => {
  const request = restore({ task: { params: [{ name: "policy", value: "skip" }] } });

  expect(chooseTask(appBinding(addon), request)).toEqual({ name: "r", params: { args: "--pipe-timeout 300", policy: "skip" } });
});

test("a task that nobody names is refused with both places where it could stand", () => {
  const act = () => chooseTask(appBinding(), backup({ task: undefined }));

  expect(act).toThrow('No Task is named for this backup: neither by BackupConfiguration "shop/nightly" nor by AppBinding "shop/carts"');
});
