// What the operator costs with 200 BackupConfigurations, how soon Jobs are there for 50 sessions that come at once, and what it asks of the API server for all that.
// Usage: node test/benchmark/operator.ts [IDLE_SECONDS] [ROUNDS] [RESYNC_SECONDS]
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { NAMESPACE, OPERATOR } from "../../deploy/names.ts";
import { backupSessionFor } from "../../operator/build/backup-session.ts";
import type { LiveObject } from "../../operator/objects.ts";
import { startWriteGate, type WriteGate } from "../fakes/write-gate.ts";
import { CRDS } from "../integration/kubernetes/crds.ts";
import { asOperator } from "../integration/operator/as-operator.ts";
import { bundleProgram, type OperatorProcess, startOperatorProcess } from "../integration/operator/operator-process.ts";
import { makeCertificates } from "../servers/certificates.ts";
import { createReadyNamespace } from "../servers/kubernetes/create-ready-namespace.ts";
import type { KubernetesObject } from "../servers/kubernetes/kubernetes-objects.ts";
import { type ObjectRecord, recordObjects } from "../servers/kubernetes/record-objects.ts";
import { type Kubernetes, startKubernetes } from "../servers/kubernetes/start-kubernetes.ts";
import { waitForObject, waitForObjects } from "../servers/kubernetes/wait-for-object.ts";
import { appBinding, backupConfiguration, repository } from "../unit/operator/invoker-world.ts";
import { cpuUsage } from "./process-usage.ts";
import { markdownTable, median, spread } from "./table.ts";

const STASH = "stash.appscode.com/v1beta1";
/** As the image and its deployment have it. */
const NODE_FLAGS = ["--max-semi-space-size=1", "--max-old-space-size=160"];
const NAMESPACES = 10;
const CONFIGURATIONS_EACH = 20;
const REPOSITORIES_EACH = 2;
const AT_ONCE = 50;
const TARGETS = { megabytes: 200, core: 0.01, medianMs: 1_000, worstMs: 5_000 };

const idleSeconds = Number(process.argv[2] ?? 300);
const rounds = Math.min(4, Number(process.argv[3] ?? 3));
/** More often than in real life, so that it falls into the time that is measured. */
const resyncSeconds = Number(process.argv[4] ?? Math.min(150, Math.max(30, Math.floor(idleSeconds / 2))));

await using server = await startKubernetes({ crds: CRDS, controllers: true });
await asOperator(server);
const program = await bundleProgram(join(server.directory, "program"));
const token = await server.objects.createToken({ namespace: NAMESPACE, name: OPERATOR });
const flags = ["--no-lease", "--resync-period", `${resyncSeconds}s`];
const namespaces = await furnish(server);
const rows: string[][] = [];
{
  await using operator = startOperatorProcess({ program, kubeconfig: await server.kubeconfigFor(token), nodeFlags: NODE_FLAGS, flags });
  await measureIdle(operator);
  await measureStarts(operator);
}
await countCalls();
process.stdout.write(markdownTable(["", "measured", "target", "measured/target"], rows));

async function furnish({ objects }: Kubernetes): Promise<readonly string[]> {
  await objects.apply({
    apiVersion: STASH,
    kind: "Task",
    metadata: { name: "redis-backup-7.0.5" },
    spec: { steps: [{ name: "redis-backup" }] },
  });
  await objects.apply({
    apiVersion: STASH,
    kind: "Function",
    metadata: { name: "redis-backup" },
    spec: { image: "registry.example/own:1" },
  });
  const made: string[] = [];
  for (let count = 0; count < NAMESPACES; count += 1) {
    const namespace = await createReadyNamespace(objects);
    made.push(namespace);
    for (const name of ["vault-key", "carts-login"]) {
      await objects.apply({ apiVersion: "v1", kind: "Secret", metadata: { namespace, name }, stringData: { RESTIC_PASSWORD: "canary" } });
    }
    for (let each = 0; each < REPOSITORIES_EACH; each += 1) {
      await objects.apply(repository({}, { namespace, name: `vault-${each}` }) as object as KubernetesObject);
    }
    for (let each = 0; each < CONFIGURATIONS_EACH; each += 1) {
      await objects.apply(appBinding({}, { namespace, name: `carts-${each}` }) as object as KubernetesObject);
      const target = { ref: { apiVersion: "appcatalog.appscode.com/v1alpha1", kind: "AppBinding", name: `carts-${each}` } };
      // Once a year: nobody but us makes sessions.
      const spec = { schedule: "0 3 1 1 *", target, repository: { name: `vault-${each % REPOSITORIES_EACH}` }, timeOut: "1h" };
      await objects.apply(backupConfiguration(spec, { namespace, name: `nightly-${each}` }) as object as KubernetesObject);
    }
  }
  return made;
}

async function measureIdle(operator: OperatorProcess): Promise<void> {
  const began = performance.now();
  for (const namespace of namespaces) {
    const isReady = ({ status }: KubernetesObject) => (status as { phase?: string } | undefined)?.phase === "Ready";
    const wanted = { apiVersion: STASH, kind: "BackupConfiguration", namespace };
    await waitForObjects(server.objects, wanted, (all) => all.every(isReady), { timeoutMs: 300_000 });
  }
  tell(`200 BackupConfigurations configured in`, `${((performance.now() - began) / 1000).toFixed(1)} s`);
  await seconds(15);
  const settled = await residentMegabytes(operator.pid);
  const [writes, lists, cpu] = [
    await metric(operator, "writes_total"),
    await metric(operator, "watch_lists_total"),
    await cpuUsage(operator.pid),
  ];
  const memories = [settled];
  const started = performance.now();
  while (performance.now() - started < idleSeconds * 1000) {
    await seconds(Math.min(10, idleSeconds));
    memories.push(await residentMegabytes(operator.pid));
  }
  const share = ((await cpuUsage(operator.pid)).own - cpu.own) / ((performance.now() - started) / 1000);
  compare(`resident memory over ${idleSeconds} s idle, MB`, spread(memories, 0), Math.max(...memories), TARGETS.megabytes);
  compare(`share of a core, idle, resync every ${resyncSeconds} s`, share.toFixed(4), share, TARGETS.core);
  tell("writes while idle", String((await metric(operator, "writes_total")) - writes));
  tell("lists since the start, then while idle", `${lists}, ${(await metric(operator, "watch_lists_total")) - lists}`);
}

/** Sessions of configurations that had none, all at once. */
async function measureStarts(operator: OperatorProcess): Promise<void> {
  await using record = await recordObjects(server, ["/apis/batch/v1/jobs"]);
  const all: number[] = [];
  const medians: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const sessions = await Promise.all(
      Array.from({ length: AT_ONCE }, async (_, index) => {
        const number = round * AT_ONCE + index;
        const namespace = namespaces[number % NAMESPACES] as string;
        return createSession(namespace, Math.floor(number / NAMESPACES), "one");
      }),
    );
    const delays = await Promise.all(sessions.map(async ({ job, namespace, madeMs }) => (await heardOf(record, namespace, job)) - madeMs));
    medians.push(median(delays));
    all.push(...delays);
    await seconds(5);
  }
  compare(
    `ms from a session to its Job, ${AT_ONCE} at once: median of each of ${rounds} rounds`,
    spread(medians, 0),
    median(medians),
    TARGETS.medianMs,
  );
  compare("the same, every session", spread(all, 0), Math.max(...all), TARGETS.worstMs);
  compare(
    "resident memory afterwards, MB",
    (await residentMegabytes(operator.pid)).toFixed(0),
    await residentMegabytes(operator.pid),
    TARGETS.megabytes,
  );
}

/** Through a gate that counts, and costs time: nothing else is measured here. */
async function countCalls(): Promise<void> {
  const certificates = await makeCertificates(join(server.directory, "program"));
  await using gate = await startWriteGate({ server, certificates, strikeAt: () => undefined, struck: () => undefined });
  const cluster = { server: `https://127.0.0.1:${gate.port}`, "certificate-authority": certificates.ca };
  const config = {
    ...{
      apiVersion: "v1",
      kind: "Config",
      "current-context": "gate",
      contexts: [{ name: "gate", context: { cluster: "gate", user: "gate" } }],
    },
    ...{ clusters: [{ name: "gate", cluster }], users: [{ name: "gate", user: { token } }] },
  };
  const kubeconfig = await server.writeFile("gate.kubeconfig", JSON.stringify(config));
  await using operator = startOperatorProcess({
    program,
    kubeconfig,
    nodeFlags: NODE_FLAGS,
    flags: ["--no-lease", "--resync-period", "30s"],
  });
  await operator.logged("At work");
  await seconds(20);
  tell("API calls of a start with 200 configurations", callsOf(gate));
  await counted(gate, "API calls of a resync of 200 configurations and 150 running sessions", () => seconds(30));
  const namespace = namespaces[0] as string;
  await using record = await recordObjects(server, ["/apis/batch/v1/jobs"]);
  await seconds(5);
  await counted(gate, "API calls of a session, from its making until its Job is told of", async () => {
    const { job } = await createSession(namespace, CONFIGURATIONS_EACH - 1, "counted");
    await heardOf(record, namespace, job);
    const session = { apiVersion: STASH, kind: "BackupSession", metadata: { namespace, name: `counted-${CONFIGURATIONS_EACH - 1}` } };
    await waitForObject(server.objects, session, ({ status }) => JSON.stringify(status ?? {}).includes("BackupExecutorEnsured"));
    await seconds(2);
  });
}

/** As the trigger makes one: it names its owner. */
async function createSession(namespace: string, index: number, prefix: string) {
  const name = `${prefix}-${index}`;
  const invoker = await server.objects.get({
    apiVersion: STASH,
    kind: "BackupConfiguration",
    metadata: { namespace, name: `nightly-${index}` },
  });
  const session = backupSessionFor(invoker as object as LiveObject, { name, retryLeft: 0 });
  await server.objects.apply(session as object as KubernetesObject);
  return { namespace, job: `stash-backup-${name}-0`, madeMs: performance.now() };
}

async function heardOf(record: ObjectRecord, namespace: string, job: string): Promise<number> {
  for (const deadline = performance.now() + 60_000; performance.now() < deadline; ) {
    const story = record.stories("Job", namespace).find(({ versions }) => versions[0]?.metadata.name === job);
    if (story !== undefined) return story.heardMs;
    await seconds(0.05);
  }
  throw new Error(`There is no Job "${namespace}/${job}" after a minute`);
}

async function counted(gate: WriteGate, what: string, during: () => Promise<unknown>): Promise<void> {
  const [before, path] = [new Map(gate.counts), gate.asked.length];
  await during();
  tell(what, callsOf(gate, before));
  for (const [asked, times] of Object.entries(Object.groupBy(gate.asked.slice(path), (each) => each)).map(
    ([key, all]) => [key, all?.length ?? 0] as const,
  )) {
    process.stderr.write(`${times} ${asked}\n`);
  }
}

function callsOf({ counts }: WriteGate, before: ReadonlyMap<string, number> = new Map()): string {
  const all = [...counts].map(([method, count]) => [method, count - (before.get(method) ?? 0)] as const);
  return (
    all
      .filter(([, count]) => count > 0)
      .map(([method, count]) => `${count} ${method}`)
      .join(", ") || "none"
  );
}

function tell(what: string, figure: string): void {
  rows.push([what, figure, "", ""]);
  process.stderr.write(`${what}: ${figure}\n`);
}

function compare(what: string, figure: string, value: number, target: number): void {
  rows.push([what, figure, `≤ ${target}`, (value / target).toFixed(2)]);
  process.stderr.write(`${what}: ${figure}\n`);
}

async function residentMegabytes(pid: number): Promise<number> {
  const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(await readFile(`/proc/${pid}/status`, "latin1"))?.[1];
  return Number(kilobytes) / 1024;
}

/** The sum over all labels. */
async function metric(operator: OperatorProcess, name: string): Promise<number> {
  const { port } = await operator.logged("The operator has started");
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const values = [...text.matchAll(new RegExp(`^holdfast_operator_${name}(?:\\{.*\\})? (\\S+)$`, "gm"))].map(([, value]) => Number(value));
  if (values.length === 0) throw new Error(`The operator tells of no ${name}`);
  return values.reduce((sum, value) => sum + value, 0);
}

function seconds(count: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, count * 1000));
}
