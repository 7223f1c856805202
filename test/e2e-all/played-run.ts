// What a run in a pod writes, by the runner's own code, and what a kubelet says of its pod.
import type { Fields } from "../../operator/objects.ts";
import type { Cluster } from "../../runner/kubernetes/cluster.ts";
import { outcomeCondition } from "../../runner/kubernetes/status-outcome.ts";
import { openBackupSession } from "../../runner/session.ts";
import type { KubernetesObject, KubernetesObjects } from "../servers/kubernetes/kubernetes-objects.ts";
import { waitForObjects } from "../servers/kubernetes/wait-for-object.ts";
import { QUIET } from "../unit/operator/invoker-world.ts";

const TOLD = ["RepositoryIntegrityVerified", "RetentionPolicyApplied", "RepositoryMetricsPushed"] as const;

export type RunEnd = "success" | "evicted" | "incomplete";

/** One run of a backup from its pod's start to its end. */
export async function playBackup(
  session: KubernetesObject,
  end: RunEnd,
  { objects, cluster }: { readonly objects: KubernetesObjects; readonly cluster: Cluster },
): Promise<void> {
  const { namespace = "", name } = session.metadata;
  const job = `stash-backup-${name}-0`;
  await playPod(objects, { namespace, job }, { phase: "Running" });
  const target = { apiVersion: "appcatalog.appscode.com/v1alpha1", kind: "AppBinding", namespace, name: "carts" };
  const parts = { session: { namespace, name }, target, signal: new AbortController().signal, log: QUIET, warn: () => undefined };
  const run = await openBackupSession(cluster, parts);
  await run.waitForTarget();
  if (end === "evicted") {
    return playPod(objects, { namespace, job }, { phase: "Failed", reason: "Evicted", message: "The node was low on resource: memory" });
  }
  if (end === "incomplete") {
    await run.hostStats({ hostname: "host-0", phase: "Failed", error: "3 keys are missing" });
    const message = JSON.stringify({ code: 3, reason: "Incomplete", message: "3 keys are missing" });
    return playPod(objects, { namespace, job }, { phase: "Succeeded", ...ended({ exitCode: 0, reason: "Completed", message }) });
  }
  await run.hostStats({ hostname: "host-0", phase: "Succeeded", duration: "1.5s", snapshots: [] });
  for (const type of TOLD) await run.condition(outcomeCondition(type, { isSuccess: true, message: "" }));
  return playPod(objects, { namespace, job }, { phase: "Succeeded", ...ended({ exitCode: 0, reason: "Completed" }) });
}

/** One run of a restore. */
export async function playRestore(objects: KubernetesObjects, session: KubernetesObject, end: "success" | "failure"): Promise<void> {
  const { namespace = "", name } = session.metadata;
  const pod = { namespace, job: `stash-restore-${name}-0` };
  await playPod(objects, pod, { phase: "Running" });
  const stats = end === "success" ? { phase: "Succeeded", duration: "1.5s" } : { phase: "Failed", error: "the snapshot is damaged" };
  const path = `/apis/stash.appscode.com/v1beta1/namespaces/${namespace}/restoresessions/${name}/status`;
  await putAgain(objects, session, { path, change: (live) => ({ ...live, status: { ...(live.status as Fields), stats: [stats] } }) });
  await playPod(objects, pod, { phase: "Succeeded", ...ended({ exitCode: 0, reason: "Completed" }) });
}

async function playPod(
  objects: KubernetesObjects,
  { namespace, job }: { readonly namespace: string; readonly job: string },
  status: Fields,
): Promise<void> {
  const isOfJob = ({ metadata }: KubernetesObject) => ((metadata.labels ?? {}) as Fields)["batch.kubernetes.io/job-name"] === job;
  const pods = await waitForObjects(objects, { apiVersion: "v1", kind: "Pod", namespace }, (all) => all.some(isOfJob), {
    timeoutMs: 90_000,
  });
  const pod = pods.find(isOfJob) as KubernetesObject;
  const path = `/api/v1/namespaces/${namespace}/pods/${pod.metadata.name}/status`;
  const reference = { apiVersion: "v1", kind: "Pod", metadata: pod.metadata };
  await putAgain(objects, reference, { path, change: (live) => ({ ...live, status: { ...(live.status as Fields), ...status } }) });
}

async function putAgain(
  objects: KubernetesObjects,
  reference: KubernetesObject,
  { path, change }: { readonly path: string; readonly change: (live: KubernetesObject) => object },
): Promise<void> {
  for (let answer = 409; answer === 409; ) {
    answer = (await objects.send("PUT", path, change(await objects.get(reference)))).status;
    if (answer !== 200 && answer !== 409) throw new Error(`PUT ${path} is answered by ${answer}`);
  }
}

function ended(end: Fields): Fields {
  const terminated = { startedAt: "2026-11-20T03:00:00Z", finishedAt: "2026-11-20T03:00:01Z", ...end };
  const container = { name: "redis-0", image: "registry.example/own:1", imageID: "", restartCount: 0, ready: false, started: false };
  return { containerStatuses: [{ ...container, lastState: {}, state: { terminated } }] };
}
