import { execa } from "execa";
import { ensureKubernetesNode } from "./ensure-kubernetes-node.ts";

/** Runs kubectl of the cluster's own version with this kubeconfig alone, and resolves with what it printed; rejects on an exit code other than 0. */
export async function kubectl(kubeconfig: string, args: readonly string[], options: { readonly input?: string } = {}): Promise<string> {
  const { kubectl: program } = await ensureKubernetesNode();
  const env = { KUBECONFIG: kubeconfig, KUBECACHEDIR: `${kubeconfig}-cache` };
  const { stdout } = await execa(program, args, { env, input: options.input ?? "" });
  return stdout;
}
