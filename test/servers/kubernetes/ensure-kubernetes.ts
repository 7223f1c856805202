// kube-apiserver and etcd, built from source at the versions that go.mod pins: the only way to a real API server without a registry of images.
import { join } from "node:path";
import { buildKubernetes, KUBERNETES_VERSION } from "./build-kubernetes.ts";

/** Paths of the programs. */
export interface KubernetesPrograms {
  readonly apiServer: string;
  readonly etcd: string;
}

/** Resolves with the programs; builds them into the cache when they are not there yet (up to ten minutes, once). Safe to call from several processes. */
export async function ensureKubernetes(): Promise<KubernetesPrograms> {
  const folder = await buildKubernetes({
    name: "kubernetes",
    module: import.meta.dirname,
    packages: ["k8s.io/kubernetes/cmd/kube-apiserver", "go.etcd.io/etcd/server/v3"],
    notice: `Building kube-apiserver ${KUBERNETES_VERSION} and etcd for the tests: 3 to 10 minutes, once ...`,
    // etcd's main package is called "server".
    renamed: { server: "etcd" },
  });
  return { apiServer: join(folder, "kube-apiserver"), etcd: join(folder, "etcd") };
}
