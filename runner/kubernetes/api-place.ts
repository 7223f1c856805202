import { readFile } from "node:fs/promises";
import { isIPv6 } from "node:net";
import { delimiter, join } from "node:path";
import { ParameterError } from "../errors.ts";
import { type ApiConnection, parseServer } from "./api-connection.ts";

export interface ApiPlace {
  /** Path of a kubeconfig. Without it: KUBECONFIG, then the pod's own service account. */
  readonly kubeconfig?: string | undefined;
  /** URL of the API server; wins over what the kubeconfig or the pod's environment says. */
  readonly master?: string | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Where a pod finds its token and the API's authority. */
  readonly serviceAccountDirectory?: string | undefined;
  readonly warn?: ((message: string) => void) | undefined;
}

const SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount";

/** @throws ParameterError when nothing says where the API is, or what says so cannot be used */
export async function findApi(place: ApiPlace): Promise<ApiConnection> {
  const master = place.master === undefined ? undefined : parseServer(place.master, "--master");
  const { KUBECONFIG, KUBERNETES_SERVICE_HOST } = place.environment;
  if (place.kubeconfig !== undefined) return fromKubeconfig([place.kubeconfig], { master, origin: "--kubeconfig", place });
  if (KUBECONFIG) return fromKubeconfig(KUBECONFIG.split(delimiter).filter(Boolean), { master, origin: "KUBECONFIG", place });
  if (KUBERNETES_SERVICE_HOST) return fromPod(KUBERNETES_SERVICE_HOST, { master, place });
  if (master !== undefined) return { server: master, credentials: async () => ({}), renew: async () => undefined };
  throw new ParameterError("No --manifests, and no cluster: nothing says where the objects are", {
    hint: "Name files with --manifests, or a cluster with --kubeconfig, KUBECONFIG or --master; in a pod, KUBERNETES_SERVICE_HOST is set by itself",
  });
}

interface Source {
  readonly master: URL | undefined;
  readonly place: ApiPlace;
}

async function fromKubeconfig(paths: readonly string[], { master, origin, place }: Source & { origin: string }): Promise<ApiConnection> {
  // Loaded here: a pod does without the client library, which is most of what a start would cost.
  const { readKubeconfig } = await import("./api-kubeconfig.ts");
  return readKubeconfig(paths, { master, origin, warn: place.warn });
}

async function fromPod(host: string, { master, place }: Source): Promise<ApiConnection> {
  const port = place.environment.KUBERNETES_SERVICE_PORT || "443";
  const address = `https://${isIPv6(host) ? `[${host}]` : host}:${port}`;
  const directory = place.serviceAccountDirectory ?? SERVICE_ACCOUNT;
  const credentials = async () => {
    const [token, ca] = await Promise.all([readPodFile(join(directory, "token")), readPodFile(join(directory, "ca.crt"))]);
    return { ca, headers: { authorization: `Bearer ${token.trim()}` } };
  };
  // Asked for once now, so that what is missing is said before anything begins.
  await credentials();
  // The files are read for every request, so a rotated token counts at once: there is nothing to renew.
  return { server: master ?? parseServer(address, "KUBERNETES_SERVICE_HOST"), credentials, renew: async () => undefined };
}

async function readPodFile(path: string): Promise<string> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    throw new ParameterError(`Cannot read "${path}", which proves to the Kubernetes API who this pod is`, {
      cause,
      hint: "Give the pod a service account and do not set automountServiceAccountToken to false; outside of a pod use --kubeconfig",
    });
  }
  if (text.trim() === "") throw new ParameterError(`"${path}" is empty`, { hint: "It should prove to the Kubernetes API who this pod is" });
  return text;
}
