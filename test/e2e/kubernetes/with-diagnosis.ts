import type { KubernetesObject } from "../../servers/kubernetes/kubernetes-objects.ts";
import { type OperatorScene, STASH } from "./operator-scene.ts";

const TAIL = 12_000;

/** Runs the body; when it fails, what the operator, the pods and the events of the namespace said is part of the error. */
export async function withDiagnosis<T>(
  scene: Pick<OperatorScene, "node" | "objects" | "operatorLog">,
  namespace: string,
  body: () => Promise<T>,
): Promise<T> {
  try {
    return await body();
  } catch (error) {
    const parts = await Promise.all([
      told("Statuses", () => statuses(scene.objects, namespace)),
      told("Events", () => scene.node.kubectl(["get", "events", "--namespace", namespace, "--sort-by=.lastTimestamp"])),
      told("Pods", () => pods(scene, namespace)),
      told("The operator", () => scene.operatorLog()),
    ]);
    // Jest prints a message whole, and no cause.
    throw new Error(`${(error as Error).message}\n\n${parts.join("\n\n")}`, { cause: error });
  }
}

async function told(what: string, tell: () => Promise<string>): Promise<string> {
  const text = await tell().catch((error: Error) => `cannot be told: ${error.message}`);
  return `--- ${what}\n${text.slice(-TAIL)}`;
}

async function statuses(objects: OperatorScene["objects"], namespace: string): Promise<string> {
  const kinds = ["BackupConfiguration", "BackupSession", "RestoreSession"].map((kind) => [`${STASH}/v1beta1`, kind] as const);
  const lists = await Promise.all(
    [...kinds, ["batch/v1", "Job"] as const].map(([version, kind]) => objects.list(version, kind, namespace)),
  );
  return lists
    .flat()
    .map((each: KubernetesObject) => `${each.kind ?? ""} ${each.metadata.name}: ${JSON.stringify(each.status)}`)
    .join("\n");
}

async function pods({ node, objects }: Pick<OperatorScene, "node" | "objects">, namespace: string): Promise<string> {
  const all = await objects.list("v1", "Pod", namespace);
  const logs = all.map(async ({ metadata: { name }, status }) => {
    const log = await node
      .kubectl(["logs", "--namespace", namespace, name, "--all-containers", "--tail=50"])
      .catch((error: Error) => error.message);
    return `${name}: ${JSON.stringify(status)}\n${log}`;
  });
  return (await Promise.all(logs)).join("\n");
}
