// A real API server over a real etcd: CRD validation, status subresources, RBAC, tokens. Without controllers a deleted namespace stays
// "Terminating" and nothing is collected, so each test takes a namespace of its own. With them Jobs get their pods, which no node runs.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { type CertificateFiles, makeCertificates, makeClientCertificate } from "../certificates.ts";
import { freePort } from "../free-port.ts";
import { type SpawnedServer, spawnServer } from "../spawn-server.ts";
import { ensureKubernetes, type KubernetesPrograms } from "./ensure-kubernetes.ts";
import { ensureKubernetesNode } from "./ensure-kubernetes-node.ts";
import { KubernetesObjects } from "./kubernetes-objects.ts";
import { startControllers } from "./start-controllers.ts";
import { waitForObject } from "./wait-for-object.ts";

export interface Kubernetes extends AsyncDisposable {
  /** "https://127.0.0.1:PORT", or with the address that was asked for. */
  readonly url: string;
  readonly port: number;
  /** Path of the PEM file of the authority that signed the server's certificate. */
  readonly caFile: string;
  /** Path of a kubeconfig that may do everything. */
  readonly adminKubeconfig: string;
  /** A folder for the test's own files; removed with the server. */
  readonly directory: string;
  readonly objects: KubernetesObjects;
  /** Writes a kubeconfig for a token, or for a user as kubeconfigs describe one; resolves with its path. */
  kubeconfigFor(user: string | Readonly<Record<string, unknown>>): Promise<string>;
  /** Writes a file of the test's own; resolves with its path. */
  writeFile(name: string, text: string): Promise<string>;
  /** Kills the API server; etcd keeps what it holds. */
  stopApi(): Promise<void>;
  /** Starts it again on the same port. */
  startApi(): Promise<void>;
  stop(): Promise<void>;
}

export interface KubernetesOptions {
  /** A folder of CustomResourceDefinitions that are applied, and served, before this resolves. */
  readonly crds?: string;
  /** Further arguments of the API server. */
  readonly arguments?: readonly string[];
  /** With kube-controller-manager and kube-scheduler, which see the `crds` from their start: owned objects of those kinds are collected too. */
  readonly controllers?: boolean;
  /** Where the API server listens, and the first address of the range of services; default a free port of 127.0.0.1. */
  readonly address?: { readonly host: string; readonly port: number; readonly serviceRange: string };
  /** An empty folder that takes the place of a temporary one; removed too. */
  readonly directory?: string;
}

/** Builds the programs when they are not cached (minutes, once), starts them (some 7 s) and resolves when the API server is ready. */
export async function startKubernetes(options: KubernetesOptions = {}): Promise<Kubernetes> {
  const programs = await ensureKubernetes();
  const directory = options.directory ?? (await mkdtemp(join(tmpdir(), "holdfast-kubernetes-")));
  const server = new RunningKubernetes(programs, directory, options);
  try {
    await server.start();
    if (options.crds !== undefined) await server.objects.applyDefinitions(options.crds);
    if (options.controllers === true) await server.startControllers();
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

class RunningKubernetes implements Kubernetes {
  readonly directory: string;
  readonly #programs: KubernetesPrograms;
  readonly #options: KubernetesOptions;
  readonly #host: string;
  #certificates!: CertificateFiles;
  #objects!: KubernetesObjects;
  #etcd: SpawnedServer | undefined;
  #api: SpawnedServer | undefined;
  #controllers: readonly SpawnedServer[] = [];
  #etcdUrl = "";
  port = 0;

  constructor(programs: KubernetesPrograms, directory: string, options: KubernetesOptions) {
    this.#programs = programs;
    this.directory = directory;
    this.#options = options;
    this.#host = options.address?.host ?? "127.0.0.1";
  }

  get url(): string {
    return `https://${this.#host}:${this.port}`;
  }

  get caFile(): string {
    return this.#certificates.ca;
  }

  get adminKubeconfig(): string {
    return join(this.directory, "admin.kubeconfig");
  }

  get objects(): KubernetesObjects {
    return this.#objects;
  }

  async start(): Promise<void> {
    const names = ["kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"];
    const serverNames = [`IP:${this.#host}`, ...names.map((name) => `DNS:${name}`)];
    this.#certificates = await makeCertificates(this.directory, { clientSubject: "/O=system:masters/CN=admin", serverNames });
    const { ca, clientCert, clientKey } = this.#certificates;
    // The key that signs the tokens of service accounts.
    const keys = join(this.directory, "tokens");
    await execa("openssl", ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", `${keys}.key`]);
    await execa("openssl", ["pkey", "-in", `${keys}.key`, "-pubout", "-out", `${keys}.pub`]);
    await this.#startEtcd();
    this.port = this.#options.address?.port ?? (await freePort());
    this.#objects = new KubernetesObjects(this.url, {
      ca: await readFile(ca),
      cert: await readFile(clientCert),
      key: await readFile(clientKey),
    });
    await writeKubeconfig(this.adminKubeconfig, this.url, ca, { "client-certificate": clientCert, "client-key": clientKey });
    await this.startApi();
  }

  async startApi(): Promise<void> {
    if (this.#api !== undefined) throw new Error("The API server runs already");
    const { ca, serverCert, serverKey, clientCert, clientKey } = this.#certificates;
    const keys = join(this.directory, "tokens");
    const args = [
      `--etcd-servers=${this.#etcdUrl}`,
      `--bind-address=${this.#host}`,
      `--secure-port=${this.port}`,
      `--tls-cert-file=${serverCert}`,
      `--tls-private-key-file=${serverKey}`,
      `--client-ca-file=${ca}`,
      "--service-account-issuer=https://kubernetes.default.svc",
      `--service-account-key-file=${keys}.pub`,
      `--service-account-signing-key-file=${keys}.key`,
      `--service-cluster-ip-range=${this.#options.address?.serviceRange ?? "10.96.0.0/24"}`,
      "--authorization-mode=Node,RBAC",
      "--anonymous-auth=false",
      // To the kubelet of a node, for logs and exec.
      `--kubelet-client-certificate=${clientCert}`,
      `--kubelet-client-key=${clientKey}`,
      "--kubelet-preferred-address-types=InternalIP",
      ...(this.#options.arguments ?? []),
    ];
    const isReady = async () => (await this.#objects.send("GET", "/readyz")).status === 200;
    this.#api = await spawnServer(this.#programs.apiServer, { args, cwd: this.directory, isReady, startTimeoutMs: 120_000 });
  }

  async stopApi(): Promise<void> {
    await this.#api?.kill();
    this.#api = undefined;
  }

  /** Resolves when a pod could be made: the namespace "default" has its account. */
  async startControllers(): Promise<void> {
    const programs = await ensureKubernetesNode();
    const kubeconfigs = {
      controllerManager: await this.#kubeconfigWithCertificate("system:kube-controller-manager"),
      scheduler: await this.#kubeconfigWithCertificate("system:kube-scheduler"),
    };
    const tokenKey = join(this.directory, "tokens.key");
    this.#controllers = await startControllers({ programs, directory: this.directory, kubeconfigs, caFile: this.caFile, tokenKey });
    const account = { apiVersion: "v1", kind: "ServiceAccount", metadata: { namespace: "default", name: "default" } };
    await waitForObject(this.objects, account, () => true);
  }

  async kubeconfigFor(user: string | Readonly<Record<string, unknown>>): Promise<string> {
    const path = join(await mkdtemp(join(this.directory, "user-")), "kubeconfig");
    await writeKubeconfig(path, this.url, this.caFile, typeof user === "string" ? { token: user } : user);
    return path;
  }

  async writeFile(name: string, text: string): Promise<string> {
    const path = join(await mkdtemp(join(this.directory, "file-")), name);
    await writeFile(path, text);
    return path;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#controllers.map((each) => each.kill()));
    this.#controllers = [];
    await this.stopApi();
    await this.#etcd?.kill();
    this.#etcd = undefined;
    await rm(this.directory, { recursive: true, force: true, maxRetries: 5 });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #kubeconfigWithCertificate(user: string): Promise<string> {
    const { cert, key } = await makeClientCertificate(this.directory, user.replaceAll(":", "-"), { subject: `/CN=${user}` });
    return this.kubeconfigFor({ "client-certificate": cert, "client-key": key });
  }

  async #startEtcd(): Promise<void> {
    const [client, peer] = [`http://127.0.0.1:${await freePort()}`, `http://127.0.0.1:${await freePort()}`];
    const args = ["--data-dir", join(this.directory, "etcd"), "--unsafe-no-fsync", "--log-level", "warn"];
    args.push("--listen-client-urls", client, "--advertise-client-urls", client);
    args.push("--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", `default=${peer}`);
    const isReady = async () => (await fetch(`${client}/health`)).ok;
    this.#etcd = await spawnServer(this.#programs.etcd, { args, cwd: this.directory, isReady });
    this.#etcdUrl = client;
  }
}

/** JSON is YAML. */
async function writeKubeconfig(path: string, url: string, ca: string, user: Readonly<Record<string, unknown>>): Promise<void> {
  const config = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "test", cluster: { server: url, "certificate-authority": ca } }],
    users: [{ name: "user", user }],
    contexts: [{ name: "test", context: { cluster: "test", user: "user" } }],
    "current-context": "test",
  };
  await writeFile(path, JSON.stringify(config, null, 2));
}
