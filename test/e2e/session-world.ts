// A cluster with everything that a session needs: a real API server with our definitions and manifests, databases, a gateway, and pods.
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { openApiCluster } from "../../runner/kubernetes/api-cluster.ts";
import type { Cluster } from "../../runner/kubernetes/cluster.ts";
import { CRDS } from "../integration/kubernetes/crds.ts";
import type { KubernetesObject } from "../servers/kubernetes/kubernetes-objects.ts";
import { type Kubernetes, startKubernetes } from "../servers/kubernetes/start-kubernetes.ts";
import { type Pushgateway, startPushgateway } from "../servers/pushgateway.ts";
import { ROOT, runHoldfast } from "./holdfast-process.ts";

export const IMAGE = "registry.example/holdfast:1";

export interface SessionWorld extends AsyncDisposable {
  readonly kubernetes: Kubernetes;
  /** May do everything. */
  readonly operator: Cluster;
  readonly gateway: Pushgateway;
  /** What the pods asked of the API so far. */
  audit(): readonly AuditEntry[];
  /** A name that no other scene has. */
  newName(start: string): string;
  /** A folder that is removed at the end. */
  newFolder(): string;
}

export interface AuditEntry {
  readonly verb: string;
  /** With its query. */
  readonly requestURI: string;
  readonly status: number;
  readonly user: string;
}

/** Some ten seconds. The Functions and Tasks are ours and Stash's, with our image, as anybody would apply them. */
export async function startSessionWorld(): Promise<SessionWorld> {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-world-"));
  const auditLog = join(folder, "audit.log");
  const gateway = await startPushgateway();
  const kubernetes = await startKubernetes({ crds: CRDS, arguments: auditArguments(folder, auditLog) });
  const operator = await openApiCluster({ kubeconfig: kubernetes.adminKubeconfig, environment: {} });
  for (const object of await manifests(gateway.url)) await kubernetes.objects.apply(object);
  return {
    ...{ kubernetes, operator, gateway },
    audit: () => readAudit(auditLog),
    newName: (start) => `${start}-${randomBytes(4).toString("hex")}`,
    newFolder: () => mkdtempSync(join(folder, "folder-")),
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      await kubernetes.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A service account's folder, as a pod finds it. */
export async function mountServiceAccount(world: SessionWorld, account: { namespace: string; name: string }): Promise<string> {
  const path = join(world.newFolder(), "serviceaccount");
  mkdirSync(path);
  writeFileSync(join(path, "token"), await world.kubernetes.objects.createToken(account));
  writeFileSync(join(path, "ca.crt"), readFileSync(world.kubernetes.caFile));
  writeFileSync(join(path, "namespace"), account.namespace);
  return path;
}

export function documentsIn(text: string): KubernetesObject[] {
  return parseAllDocuments(text).map((document) => document.toJS() as KubernetesObject);
}

async function manifests(pushgatewayUrl: string): Promise<KubernetesObject[]> {
  const own = ["function.yaml", "task.yaml"].map((name) => readFileSync(join(ROOT, "functions/redis", name), "utf8"));
  const printed = await runHoldfast(["stash-manifests", "--image", IMAGE, "--pushgateway-url", pushgatewayUrl]);
  if (printed.exitCode !== 0) throw new Error(printed.stderr);
  return [...own, printed.stdout].flatMap(documentsIn);
}

/** Every request of a service account, once it is answered. */
function auditArguments(folder: string, log: string): string[] {
  const policy = join(folder, "audit-policy.json");
  const rules = [{ level: "Metadata", userGroups: ["system:serviceaccounts"] }, { level: "None" }];
  writeFileSync(policy, JSON.stringify({ apiVersion: "audit.k8s.io/v1", kind: "Policy", omitStages: ["RequestReceived"], rules }));
  return [`--audit-policy-file=${policy}`, `--audit-log-path=${log}`];
}

function readAudit(log: string): AuditEntry[] {
  return readFileSync(log, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const { verb, requestURI, responseStatus, user } = JSON.parse(line);
      return { verb, requestURI, status: responseStatus?.code ?? 0, user: user.username };
    });
}
