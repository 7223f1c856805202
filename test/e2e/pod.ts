// A pod without a node: the containers of a resolved Job as processes, each with the environment, the volumes and the service account of its own.
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Container, Job, Volume } from "../../runner/kubernetes/resolve-objects.ts";
import { type Outcome, type RunningHoldfast, startHoldfast } from "./holdfast-process.ts";

export interface PodOptions {
  /** Where the API is, as a kubelet tells each container. */
  readonly apiPort: number;
  /** A folder with token, ca.crt and namespace. */
  readonly serviceAccount: string;
}

/** Dispose kills what still runs, and removes what lay in its emptyDirs. */
export interface Pod extends AsyncDisposable {
  /** Starts the only container. */
  start(): RunningHoldfast;
  /** Runs its containers one after the other, and none after one that failed; `before` is called before each but the first. */
  run(options?: { before?(container: string): Promise<void> }): Promise<readonly Outcome[]>;
  /** Where a file in one of its volumes lies on this machine. */
  pathOf(file: string): string;
}

const SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount";

export function makePod(job: Job, options: PodOptions): Pod {
  const { spec } = job.spec.template;
  const containers = [...(spec.initContainers ?? []), ...spec.containers];
  const folder = mkdtempSync(join(tmpdir(), "holdfast-pod-"));
  const sources = new Map(spec.volumes.map((volume) => [volume.name, sourceOf(volume, folder)]));
  const mountsOf = (container: Container) => container.volumeMounts.map(({ name, mountPath }) => [sources.get(name) as string, mountPath]);
  const running: RunningHoldfast[] = [];
  const start = (container: Container) => {
    const root = mkdtempSync(join(folder, "root-"));
    const mounts = [...mountsOf(container), [options.serviceAccount, SERVICE_ACCOUNT]].flat();
    const prefix = ["unshare", "-rm", "sh", join(import.meta.dirname, "pod.sh"), root, ...mounts, "--"];
    const started = startHoldfast(container.args ?? [], { env: environmentOf(container, options), prefix });
    running.push(started);
    return started;
  };
  return {
    start() {
      const [container, ...others] = containers as [Container, ...Container[]];
      if (others.length > 0) throw new Error("The pod has more than one container");
      return start(container);
    },
    async run({ before } = {}) {
      const outcomes: Outcome[] = [];
      for (const container of containers) {
        if (outcomes.length > 0) await before?.(container.name);
        const outcome = await start(container).outcome;
        outcomes.push(outcome);
        if (outcome.exitCode !== 0) break;
      }
      return outcomes;
    },
    pathOf(file) {
      const mounts = containers.flatMap(mountsOf) as [string, string][];
      const [source, mountPath] = mounts.find(([, path]) => file.startsWith(`${path}/`)) ?? [];
      if (source === undefined || mountPath === undefined) throw new Error(`No volume holds "${file}"`);
      return join(source, file.slice(mountPath.length));
    },
    async [Symbol.asyncDispose]() {
      for (const each of running) await each[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function sourceOf(volume: Volume, folder: string): string {
  const { hostPath } = volume as { hostPath?: { path: string } };
  if (hostPath !== undefined) return hostPath.path;
  if (volume.emptyDir === undefined) throw new Error(`No such volume can be mounted here: ${JSON.stringify(volume)}`);
  const path = join(folder, `volume-${volume.name}`);
  mkdirSync(path);
  return path;
}

/** What holdfast-process.ts sets for everybody else is set to nothing: a pod has what its manifest says. */
function environmentOf({ env = [] }: Container, { apiPort }: PodOptions): Record<string, string> {
  const own = Object.fromEntries(env.map(({ name, value }) => [name, String(value)]));
  return { RESTIC_PASSWORD: "", KUBERNETES_SERVICE_HOST: "127.0.0.1", KUBERNETES_SERVICE_PORT: String(apiPort), ...own };
}
