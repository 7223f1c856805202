// kube-controller-manager and kube-scheduler beside a running API server.
import { request } from "node:https";
import { freePort } from "../free-port.ts";
import { type SpawnedServer, spawnServer } from "../spawn-server.ts";
import type { KubernetesNodePrograms } from "./ensure-kubernetes-node.ts";

export interface ControllerOptions {
  readonly programs: KubernetesNodePrograms;
  /** Where they run; with the files that are named below. */
  readonly directory: string;
  /** Paths of the kubeconfigs of system:kube-controller-manager and system:kube-scheduler. */
  readonly kubeconfigs: { readonly controllerManager: string; readonly scheduler: string };
  /** The authority that pods trust the API server by. */
  readonly caFile: string;
  /** Signs the tokens of service accounts. */
  readonly tokenKey: string;
}

/** Starts both at once; resolves when both are healthy. What ran already is killed when one of them does not start. */
export async function startControllers(options: ControllerOptions): Promise<readonly SpawnedServer[]> {
  const { programs, kubeconfigs, caFile, tokenKey } = options;
  const controllers = ["--use-service-account-credentials", `--service-account-private-key-file=${tokenKey}`, `--root-ca-file=${caFile}`];
  const started = await Promise.allSettled([
    start(programs.controllerManager, kubeconfigs.controllerManager, { more: controllers, directory: options.directory }),
    start(programs.scheduler, kubeconfigs.scheduler, { more: [], directory: options.directory }),
  ]);
  const running = started.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
  const failed = started.find((each) => each.status === "rejected");
  if (failed === undefined) return running;
  await Promise.all(running.map((each) => each.kill()));
  throw failed.reason;
}

async function start(program: string, kubeconfig: string, { more, directory }: { more: readonly string[]; directory: string }) {
  const port = await freePort();
  const args = ["--kubeconfig", "--authentication-kubeconfig", "--authorization-kubeconfig"].map((flag) => `${flag}=${kubeconfig}`);
  args.push("--bind-address=127.0.0.1", `--secure-port=${port}`, "--leader-elect=false", "--kube-api-qps=500", "--kube-api-burst=1000");
  return spawnServer(program, { args: [...args, ...more], cwd: directory, isReady: () => isHealthy(port), startTimeoutMs: 120_000 });
}

/** Its certificate is made as it starts, and signed by nobody: it is our own child on a port that was free. */
function isHealthy(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: "127.0.0.1", port, path: "/healthz", rejectUnauthorized: false, timeout: 5_000 }, (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200);
    });
    sent.once("timeout", () => sent.destroy(new Error("No answer"))).once("error", reject);
    sent.end();
  });
}
