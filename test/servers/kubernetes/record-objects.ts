import { readFile } from "node:fs/promises";
import { type RequestOptions, request } from "node:https";
import { createInterface } from "node:readline";
import type { KubernetesObject } from "./kubernetes-objects.ts";
import type { Kubernetes } from "./start-kubernetes.ts";

/** Everything that one object was, from its first version to its last. */
export interface ObjectStory {
  readonly uid: string;
  readonly versions: readonly KubernetesObject[];
  readonly isGone: boolean;
  /** When it was first heard of, by performance.now(). */
  readonly heardMs: number;
}

export interface ObjectRecord extends AsyncDisposable {
  /** Of all objects of a kind that there ever were in the namespace, oldest first. */
  stories(kind: string, namespace: string): readonly ObjectStory[];
}

/** Watches whole kinds, by paths such as "/apis/batch/v1/jobs", from now on. A name that is given twice makes two stories. */
export async function recordObjects(server: Kubernetes, paths: readonly string[]): Promise<ObjectRecord> {
  const record = new RunningRecord(await credentials(server));
  await Promise.all(paths.map((path) => record.watch(path)));
  return record;
}

async function credentials(server: Kubernetes): Promise<RequestOptions> {
  const { users } = JSON.parse(await readFile(server.adminKubeconfig, "utf8")) as { users: { user: Readonly<Record<string, string>> }[] };
  const { "client-certificate": cert = "", "client-key": key = "" } = users[0]?.user ?? {};
  const [ca, certificate, privateKey] = await Promise.all([server.caFile, cert, key].map((path) => readFile(path)));
  return { host: "127.0.0.1", port: server.port, ca, cert: certificate, key: privateKey, agent: false };
}

interface Story extends ObjectStory {
  readonly versions: KubernetesObject[];
  isGone: boolean;
}

class RunningRecord implements ObjectRecord {
  readonly #options: RequestOptions;
  readonly #stories = new Map<string, Story>();
  readonly #stop = new AbortController();

  constructor(options: RequestOptions) {
    this.#options = options;
  }

  stories(kind: string, namespace: string): readonly ObjectStory[] {
    return [...this.#stories.values()].filter(({ versions }) => versions[0]?.kind === kind && versions[0].metadata.namespace === namespace);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
  }

  /** Resolves once the server has accepted it. It goes on over the server's restarts. */
  watch(path: string, version = ""): Promise<void> {
    const from = version === "" ? "" : `&resourceVersion=${version}`;
    return new Promise((resolve, reject) => {
      const sent = request(
        { ...this.#options, path: `${path}?watch=1&timeoutSeconds=1800${from}`, signal: this.#stop.signal },
        (answer) => {
          if (answer.statusCode !== 200) return reject(new Error(`A watch of ${path} is answered by ${answer.statusCode}`));
          resolve();
          let last = version;
          const lines = createInterface({ input: answer }).on("line", (line) => {
            last = this.#note(JSON.parse(line)) ?? last;
          });
          // A server that was killed ends no lines: the answer breaks off, and both of them say so.
          lines.on("error", () => undefined);
          answer.on("error", () => undefined).once("close", () => this.#again(path, last));
        },
      );
      sent.on("error", reject).end();
    });
  }

  #again(path: string, version: string): void {
    if (this.#stop.signal.aborted) return;
    this.watch(path, version).catch(() => setTimeout(() => this.#again(path, version), 100));
  }

  /** Which version to go on from. */
  #note({ type, object }: { readonly type: string; readonly object: KubernetesObject }): string | undefined {
    // The server was away, and knows the version no more: while it was, nothing happened.
    if (type === "ERROR") return "";
    const { uid = "", resourceVersion } = object.metadata;
    const story = this.#stories.get(uid) ?? { uid, versions: [], isGone: false, heardMs: performance.now() };
    this.#stories.set(uid, story);
    story.versions.push(object);
    story.isGone = type === "DELETED";
    return resourceVersion;
  }
}
