import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { JobObjects } from "../../runner/kubernetes/needed-rights.ts";
import { CRDS } from "../integration/kubernetes/crds.ts";
import { type JobWork, type JobWorld, makeJobWorld } from "../integration/kubernetes/job-world.ts";
import { jobFlags } from "../integration/kubernetes/run-job.ts";
import { type Kubernetes, startKubernetes } from "../servers/kubernetes/start-kubernetes.ts";
import { type Pushgateway, startPushgateway } from "../servers/pushgateway.ts";
import { type RedisServer, startRedis } from "../servers/redis-server.ts";
import { runHoldfast } from "./holdfast-process.ts";
import { documentsIn } from "./session-world.ts";

const PASSPHRASE = "canary-passphrase-1f3a";
const DATABASE_PASSWORD = "canary-database-77b2";
const WRONG_PASSWORD = "canary-wrong-90cd";
const GATEWAY_PASSWORD = "canary-gateway-41ee";
const WRONG_TOKEN = "canary-token-6c2d";
const USER_DATA = "canary-value-55e1";

let redis: RedisServer;
let gateway: Pushgateway;
let kubernetes: Kubernetes;
let world: JobWorld;
let folder: string;
/** Everything that a person or a program could read afterwards. */
let seen: Map<string, string>;
/** Tokens of the accounts that jobs ran as. */
let tokens: string[];

beforeAll(async () => {
  [redis, gateway, kubernetes] = await Promise.all([
    startRedis({ password: DATABASE_PASSWORD }),
    startPushgateway(),
    startKubernetes({ crds: CRDS }),
  ]);
  world = await makeJobWorld(kubernetes, redis);
  await redis.cli("set", "k", USER_DATA);
}, 1_800_000);
afterAll(async () => {
  await redis.stop();
  await gateway[Symbol.asyncDispose]();
  await kubernetes.stop();
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "holdfast-canary-"));
  seen = new Map();
  tokens = [];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("no secret of a cluster and no user data is in what sessions, their parts that fail, and the commands around them leave behind", async () => {
  await using echo = await startEcho();
  await setSecrets({ password: DATABASE_PASSWORD, passphrase: PASSPHRASE });
  const backup = await world.makeJob("backup");
  const batch = await world.makeJob("backup", { invokerKind: "BackupBatch" });
  const restore = await world.makeJob("restore");
  const stranger = { kubeconfig: await kubernetes.kubeconfigFor(WRONG_TOKEN) };
  const push = (host: string) => ({ PROMETHEUS_PUSHGATEWAY_URL: `http://pusher:${GATEWAY_PASSWORD}@${host}` });
  const [good, echoed] = [push(`127.0.0.1:${gateway.port}`), push(echo.host)];

  const codes = [
    await run("a backup whose gateway quotes what it is told", "redis-backup", { work: "backup", job: backup, env: echoed }),
    await run("a backup of a batch", "redis-backup", { work: "backup", job: batch, env: good }),
    await run("a restore into a database that is not empty", "redis-restore", { work: "restore", job: restore, env: echoed }),
    await run("doctor", "doctor", { work: "backup", job: backup, env: echoed }),
    await run("a token that nobody knows", "redis-backup", { work: "backup", job: backup, ...stranger }),
    await run("doctor without a known token", "doctor", { work: "backup", job: backup, ...stranger }),
    await resolve({}),
    await resolve(good),
  ];
  await setSecrets({ password: WRONG_PASSWORD, passphrase: PASSPHRASE });
  codes.push(await run("a wrong password", "redis-backup", { work: "backup", job: await world.makeJob("backup"), env: good }));
  codes.push(await run("doctor with a wrong password", "doctor", { work: "backup", job: backup }));
  await setSecrets({ password: DATABASE_PASSWORD, passphrase: WRONG_PASSWORD });
  codes.push(await run("a wrong passphrase", "redis-backup", { work: "backup", job: await world.makeJob("backup"), env: good }));
  codes.push(await run("doctor with a wrong passphrase", "doctor", { work: "backup", job: backup }));
  await lookAtCluster();

  expect(codes).toEqual([0, 0, 21, 2, 41, 41, 0, 2, 21, 21, 12, 12]);
  expect(echo.quoted).toBeGreaterThanOrEqual(2);
  expect(seen.get("BackupSession")).toContain("FailedToPushRepositoryMetrics");
  expect(seen.get("BackupSession")).toContain("[redacted]");
  expect(seen.get("Event")).toContain("HostBackupFailed");
  expect(seen.get("metrics")).toContain("holdfast_backup_exit_code");
  expect(tokens.length).toBeGreaterThanOrEqual(3);
  const secrets = [/canary/, ...[GATEWAY_PASSWORD, DATABASE_PASSWORD, PASSPHRASE].map(base64), ...tokens];
  for (const [name, text] of seen) for (const secret of secrets) expect(`${name}: ${text}`).not.toMatch(secret);
}, 180_000);

interface Run {
  readonly work: JobWork;
  readonly job: JobObjects;
  readonly env?: Readonly<Record<string, string>>;
  readonly kubeconfig?: string;
}

async function run(name: string, command: string, { work, job, env = {}, kubeconfig }: Run): Promise<number | undefined> {
  const flags = Object.entries(jobFlags(work, job)).flatMap(([flag, value]) => [`--${flag}`, value]);
  const termination = join(folder, "termination.log");
  writeFileSync(termination, "");
  const account = kubeconfig ?? (await world.admit(work, job)).kubeconfig;
  tokens.push(JSON.parse(readFileSync(account, "utf8")).users[0].user.token);
  return keep(name, [command, ...flags, "--kubeconfig", account, "--termination-log", termination], { env, termination });
}

async function resolve(env: Readonly<Record<string, string>>): Promise<number | undefined> {
  const { adminKubeconfig, objects } = kubernetes;
  const { jobs: namespace, databases } = world.namespaces;
  const local = { mountPath: "/shelf", hostPath: { path: "/shelf" } };
  const spec = {
    ...{ repository: { name: "shelf" }, retentionPolicy: { name: "keep", keepLast: 5, prune: true } },
    target: { ref: { apiVersion: "appcatalog.appscode.com/v1alpha1", kind: "AppBinding", namespace: databases, name: "redis" } },
  };
  const shelf = { apiVersion: "stash.appscode.com/v1alpha1", kind: "Repository", metadata: { namespace, name: "shelf" } };
  await objects.apply({ ...shelf, spec: { backend: { storageSecretName: "shelf-key", local } } });
  await objects.apply({ apiVersion: STASH, kind: "BackupConfiguration", metadata: { namespace, name: "shelved" }, spec });
  for (const file of ["function.yaml", "task.yaml"]) {
    for (const object of documentsIn(readFileSync(join(import.meta.dirname, "../../functions/redis", file), "utf8")))
      await objects.apply(object);
  }
  const flags = [
    "--namespace",
    namespace,
    "--invoker-name",
    "shelved",
    "--task",
    "holdfast-redis-backup",
    "--image",
    "registry.example/h:1",
  ];
  return keep(`resolve ${Object.keys(env)}`, ["resolve", ...flags, "--kubeconfig", adminKubeconfig], { env });
}

async function keep(
  name: string,
  args: readonly string[],
  { env, termination }: { env: Readonly<Record<string, string>>; termination?: string },
) {
  const outcome = await runHoldfast(args, { env: { RESTIC_PASSWORD: "", HOLDFAST_LOG_LEVEL: "debug", ...env } });
  const { stdout, stderr, report, exitCode } = outcome;
  for (const [part, text] of Object.entries({ stdout, stderr, report: JSON.stringify(report ?? {}) })) seen.set(`${name}, ${part}`, text);
  if (termination !== undefined) seen.set(`${name}, termination`, readFileSync(termination, "utf8"));
  return exitCode;
}

async function setSecrets({ password, passphrase }: { password: string; passphrase: string }): Promise<void> {
  const { databases, vault } = world.namespaces;
  const secret = (namespace: string, name: string, stringData: Record<string, string>) =>
    kubernetes.objects.apply({ apiVersion: "v1", kind: "Secret", metadata: { namespace, name }, stringData });
  await secret(databases, "redis-login", { username: "default" });
  await secret(databases, "redis-more", { password });
  await secret(vault, "cellar-key", { RESTIC_PASSWORD: passphrase });
}

async function lookAtCluster(): Promise<void> {
  const { jobs, databases, vault } = world.namespaces;
  const kinds = {
    BackupSession: STASH,
    RestoreSession: STASH,
    BackupConfiguration: STASH,
    Repository: "stash.appscode.com/v1alpha1",
    Event: "v1",
  };
  for (const [kind, version] of Object.entries(kinds)) {
    const lists = await Promise.all([jobs, databases, vault].map((namespace) => kubernetes.objects.list(version, kind, namespace)));
    seen.set(kind, JSON.stringify(lists));
  }
  seen.set("metrics", await gateway.exposition());
}

const STASH = "stash.appscode.com/v1beta1";

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}

/** A gateway that refuses everything and quotes what it was told. */
async function startEcho() {
  let quoted = 0;
  const server = createServer((request, response) => {
    quoted += 1;
    const { authorization = "" } = request.headers;
    const decoded = Buffer.from(authorization.replace("Basic ", ""), "base64");
    request.resume().once("end", () => response.writeHead(401, "No").end(`refused ${authorization}, which is ${decoded}`));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    get quoted() {
      return quoted;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
