// What makes an API server a cluster: controllers, scheduler, kubelet; and kubectl. A module of its own: the API server's build stays as it is.
import { join } from "node:path";
import { buildKubernetes, KUBERNETES_VERSION } from "./build-kubernetes.ts";

/** Paths of the programs. */
export interface KubernetesNodePrograms {
  readonly controllerManager: string;
  readonly scheduler: string;
  readonly kubelet: string;
  readonly kubectl: string;
}

const COMMANDS = ["kube-controller-manager", "kube-scheduler", "kubelet", "kubectl"];

/** Resolves with the programs; builds them into the cache when they are not there yet (one to five minutes, once). Safe to call from several processes. */
export async function ensureKubernetesNode(): Promise<KubernetesNodePrograms> {
  const folder = await buildKubernetes({
    name: "kubernetes-node",
    module: join(import.meta.dirname, "node"),
    packages: COMMANDS.map((command) => `k8s.io/kubernetes/cmd/${command}`),
    notice: `Building kubelet ${KUBERNETES_VERSION} and the controllers for the tests: 1 to 5 minutes, once ...`,
  });
  return {
    controllerManager: join(folder, "kube-controller-manager"),
    scheduler: join(folder, "kube-scheduler"),
    kubelet: join(folder, "kubelet"),
    kubectl: join(folder, "kubectl"),
  };
}
