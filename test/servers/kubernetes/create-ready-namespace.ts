import type { KubernetesObjects } from "./kubernetes-objects.ts";
import { waitForObject } from "./wait-for-object.ts";

/** A namespace nobody used before, once the controllers have put into it what pods need: a bare pod is refused until then. */
export async function createReadyNamespace(objects: KubernetesObjects, labels: Readonly<Record<string, string>> = {}): Promise<string> {
  const namespace = await objects.createNamespace(labels);
  for (const [kind, name] of [
    ["ServiceAccount", "default"],
    ["ConfigMap", "kube-root-ca.crt"],
  ] as const) {
    await waitForObject(objects, { apiVersion: "v1", kind, metadata: { namespace, name } }, () => true);
  }
  return namespace;
}
