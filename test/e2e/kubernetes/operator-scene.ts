// The whole of it, as a user has it: a real node that runs the built image, our bundle applied by kubectl, and beside it, on the host, a database, a store
// and a gateway.
import { join } from "node:path";
import { bundleFor } from "../../../deploy/generate.ts";
import { ensureImage } from "../../servers/docker/ensure-image.ts";
import type { KubernetesObject, KubernetesObjects } from "../../servers/kubernetes/kubernetes-objects.ts";
import { type KubernetesNode, startKubernetesNode } from "../../servers/kubernetes/start-node.ts";
import { waitForObject } from "../../servers/kubernetes/wait-for-object.ts";
import { type Pushgateway, startPushgateway } from "../../servers/pushgateway.ts";
import { ACCESS_KEY, type S3Server, SECRET_KEY } from "../../servers/s3-server.ts";
import { startVersitygw } from "../../servers/versitygw.ts";

export const STASH = "stash.appscode.com";
export const OPERATOR = { namespace: "holdfast", name: "holdfast" };
export const PASSPHRASE = "correct horse battery staple";
const DEPLOY = join(import.meta.dirname, "../../../deploy");

export interface OperatorScene extends AsyncDisposable {
  readonly node: KubernetesNode;
  readonly objects: KubernetesObjects;
  /** As pods name it. */
  readonly image: string;
  readonly gateway: Pushgateway;
  readonly s3: S3Server;
  /** "HOST:PORT" under which pods reach a server of 127.0.0.1. */
  reach(port: number): Promise<string>;
  /** A namespace under Pod Security "restricted", with a storage Secret "storage" and an S3 Repository "cellar" in a bucket of its own. */
  makeNamespace(): Promise<string>;
  /** Stops the schedule of a BackupConfiguration. */
  pauseBackups(namespace: string, name: string): Promise<void>;
  operatorLog(): Promise<string>;
}

/** Starts everything, applies deploy/holdfast.yaml with this image and gateway, and resolves once the operator is ready. */
export async function startOperatorScene(options: { readonly operatorArguments?: readonly string[] } = {}): Promise<OperatorScene> {
  const image = await ensureImage();
  await using stack = new AsyncDisposableStack();
  const node = stack.use(await startKubernetesNode({ images: [image.tar], crds: join(DEPLOY, "crds") }));
  const gateway = stack.use(await startPushgateway());
  const s3 = stack.use(await startVersitygw());
  const forwarded = new Map<number, Promise<string>>();
  const reach = (port: number) => {
    const address = forwarded.get(port) ?? node.forward(port).then(({ address }) => address);
    forwarded.set(port, address);
    return address;
  };
  await install(node, { image: image.name, gatewayUrl: `http://${await reach(gateway.port)}`, ...options });
  const running = stack.move();
  return {
    node,
    objects: node.objects,
    image: image.name,
    gateway,
    s3,
    reach,
    makeNamespace: async () => makeNamespace(node.objects, { s3, endpoint: `http://${await reach(s3.port)}` }),
    pauseBackups: async (namespace, name) => {
      const patch = ["--type=merge", "--patch", '{"spec":{"paused":true}}'];
      await node.kubectl(["--namespace", namespace, "patch", `backupconfiguration.${STASH}/${name}`, ...patch]);
    },
    operatorLog: () => node.kubectl(["--namespace", OPERATOR.namespace, "logs", `deployment/${OPERATOR.name}`, "--tail=-1"]),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

interface Installation {
  readonly image: string;
  readonly gatewayUrl: string;
  readonly operatorArguments?: readonly string[];
}

/** What deploy/README.md tells: the bundle for the image and one's own gateway. */
async function install(node: KubernetesNode, { image, gatewayUrl, operatorArguments = [] }: Installation): Promise<void> {
  const withArguments = (line: string, indent: string) => [line, ...operatorArguments.map((each) => `${indent}- ${each}`)].join("\n");
  const bundle = bundleFor(image, { pushgatewayUrl: gatewayUrl }).replace(/^( +)- operator$/m, withArguments);
  await node.kubectl(["apply", "--server-side", "-f", "-"], { input: bundle });
  await waitForObject(
    node.objects,
    { apiVersion: "apps/v1", kind: "Deployment", metadata: OPERATOR },
    ({ status }) => (status as { readyReplicas?: number } | undefined)?.readyReplicas === 1,
  );
}

async function makeNamespace(
  objects: KubernetesObjects,
  { s3, endpoint }: { readonly s3: S3Server; readonly endpoint: string },
): Promise<string> {
  const namespace = await objects.createNamespace({ "pod-security.kubernetes.io/enforce": "restricted" });
  await s3.createBucket(namespace);
  await objects.apply({
    ...{ apiVersion: "v1", kind: "Secret", metadata: { namespace, name: "storage" } },
    stringData: { RESTIC_PASSWORD: PASSPHRASE, AWS_ACCESS_KEY_ID: ACCESS_KEY, AWS_SECRET_ACCESS_KEY: SECRET_KEY },
  });
  const backend = { s3: { endpoint, bucket: namespace, region: "us-east-1", prefix: "databases" }, storageSecretName: "storage" };
  await objects.apply(repository(namespace, "cellar", backend));
  return namespace;
}

export function repository(namespace: string, name: string, backend: Readonly<Record<string, unknown>>): KubernetesObject {
  return { apiVersion: `${STASH}/v1alpha1`, kind: "Repository", metadata: { namespace, name }, spec: { backend } };
}
