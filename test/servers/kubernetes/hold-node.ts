// node test/servers/kubernetes/hold-node.ts --image image.tar … [--crds folder] [--forward port …]: a node to try things on, until it is interrupted.
import { parseArgs } from "node:util";
import { ensureKubernetesNode } from "./ensure-kubernetes-node.ts";
import { startKubernetesNode } from "./start-node.ts";

const { values } = parseArgs({
  options: {
    image: { type: "string", multiple: true, default: [] },
    crds: { type: "string" },
    forward: { type: "string", multiple: true, default: [] },
  },
});
// From the first moment: a signal while the node starts must not leave half of it.
const interrupted = new Promise<void>((resolve) => {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => resolve());
});
await using node = await startKubernetesNode({ images: values.image, ...(values.crds === undefined ? {} : { crds: values.crds }) });
for (const port of values.forward) await node.forward(Number(port));
process.stdout.write(`KUBECONFIG=${node.adminKubeconfig}\nHOST_ADDRESS=${node.hostAddress}\nAPI=${node.kubernetes.url}\n`);
process.stdout.write(`KUBECTL=${(await ensureKubernetesNode()).kubectl}\n`);
await interrupted;
