// The one importer of @kubernetes/client-node: kubeconfigs with their certificates, tokens, credential plugins, OIDC and proxies.
import { readFile } from "node:fs/promises";
import type { RequestOptions } from "node:https";
import { dirname } from "node:path";
// Not the package as a whole: typed APIs, watches and streams of pods would be loaded with it, and none is used.
import { KubeConfig } from "@kubernetes/client-node/dist/config.js";
import { ClusterRefusedError, ParameterError } from "../errors.ts";
import { type ApiConnection, type ApiCredentials, parseServer } from "./api-connection.ts";

export interface KubeconfigOptions {
  readonly master: URL | undefined;
  /** What named the files: "--kubeconfig", "KUBECONFIG". */
  readonly origin: string;
  readonly warn?: ((message: string) => void) | undefined;
}

/** The cluster and user of the current context; of several files, missing ones are passed over, as kubectl does. @throws ParameterError that quotes no file */
export async function readKubeconfig(paths: readonly string[], options: KubeconfigOptions): Promise<ApiConnection> {
  let config = await load(paths, options);
  const cluster = currentCluster(config, options);
  const server = options.master ?? parseServer(cluster.server, `The server of the kubeconfig of ${options.origin}`);
  if (cluster.skipTLSVerify) {
    options.warn?.("The certificate of the Kubernetes API is not verified: the kubeconfig says insecure-skip-tls-verify");
  }
  return {
    server,
    credentials: () => credentialsOf(config),
    // Tokens of plugins are remembered by the library: a config read anew asks for new ones.
    renew: async () => {
      config = await load(paths, options);
      currentCluster(config, options);
    },
  };
}

async function load(paths: readonly string[], { origin }: KubeconfigOptions): Promise<KubeConfig> {
  const config = new KubeConfig();
  let found = 0;
  for (const path of paths) {
    const text = await readText(path, { origin, isOptional: paths.length > 1 });
    if (text === undefined) continue;
    const part = parse(text, path);
    if (found++ === 0)
      config.loadFromOptions({ clusters: part.clusters, users: part.users, contexts: part.contexts, currentContext: part.currentContext });
    else mergeInto(config, part, path);
  }
  if (found === 0) throw new ParameterError(`None of the kubeconfigs of ${origin} exists`, { hint: HINT });
  return config;
}

const HINT = "Name a kubeconfig that kubectl accepts, or files with --manifests";

async function readText(path: string, { origin, isOptional }: { origin: string; isOptional: boolean }): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    if (isOptional && (cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new ParameterError(`Cannot read the kubeconfig of ${origin}, "${path}"`, { cause, hint: HINT });
  }
}

function parse(text: string, path: string): KubeConfig {
  const config = new KubeConfig();
  try {
    config.loadFromString(text);
    config.makePathsAbsolute(dirname(path));
  } catch (error) {
    throw notUsable(path, error);
  }
  return config;
}

function mergeInto(config: KubeConfig, part: KubeConfig, path: string): void {
  try {
    // The first file that names a current context decides.
    config.mergeConfig(part, config.getCurrentContext() !== undefined);
  } catch (error) {
    throw notUsable(path, error);
  }
}

/** Parsers quote what they choke on, and that may be a token: only messages about the structure are passed on. */
function notUsable(path: string, error: unknown): ParameterError {
  const message = error instanceof Error ? error.message : "";
  const detail = /^((clusters|users|contexts)\[|Duplicate )/.test(message) ? `: ${message}` : "";
  return new ParameterError(`"${path}" is no usable kubeconfig${detail}`, { hint: HINT });
}

function currentCluster(config: KubeConfig, { origin }: KubeconfigOptions): NonNullable<ReturnType<KubeConfig["getCurrentCluster"]>> {
  const cluster = config.getCurrentCluster();
  if (cluster === null || config.getCurrentUser() === null) {
    throw new ParameterError(`The kubeconfig of ${origin} names no current context with a cluster and a user`, {
      hint: "Choose one with kubectl config use-context",
    });
  }
  return cluster;
}

async function credentialsOf(config: KubeConfig): Promise<ApiCredentials> {
  const options: RequestOptions = {};
  try {
    await config.applyToHTTPSOptions(options);
  } catch {
    // A plugin's own words stay out of ours: they may hold what it knows.
    const command = config.getCurrentUser()?.exec?.command;
    const what = command === undefined ? "" : `: the plugin "${command}" failed`;
    throw new ClusterRefusedError(`Cannot get the credentials that the kubeconfig describes${what}`, {
      reason: "Unauthorized",
      hint: "Try kubectl get --raw /version with the same kubeconfig",
    });
  }
  const { headers, auth, ca, cert, key, passphrase, rejectUnauthorized, servername } = options;
  const usesProxy = Boolean(config.getCurrentCluster()?.proxyUrl);
  return { headers, auth, ca, cert, key, passphrase, rejectUnauthorized, servername, ...(usesProxy ? { agent: options.agent } : {}) };
}
