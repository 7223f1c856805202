import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import { ParameterError } from "../errors.ts";
import type { Cluster, ClusterEvent, ClusterOptions, ObjectName, Status, StatusChange, StatusKind } from "./cluster.ts";
import { decodeSecret } from "./decode-secret.ts";
import { type ObjectKind, type ObjectOf, parseObject } from "./parse-object.ts";
import { duplicate, type Manifest, type Manifests, readManifests } from "./read-manifests.ts";
import { changeStatusFile, readStatusFile, statusFilePath } from "./status-file.ts";

/**
 * A cluster of YAML files: a directory, or one file of several documents, read once, now. An object without namespace is in whatever
 * namespace is asked for. A status is written to `<kind>.<namespace>.<name>.status.yaml` in the same directory and wins over the
 * manifest's own from then on; events are appended to `events.jsonl` there. The manifests themselves are never written.
 * @throws ParameterError as `readManifests` does
 */
export async function openFileCluster(path: string): Promise<Cluster> {
  return new FileCluster(path, await readManifests(path));
}

class FileCluster implements Cluster {
  readonly #path: string;
  readonly #manifests: Manifests;
  /** Writes of this cluster stand in line. Another process's are noticed by the file's content, unless they fall between look and rename. */
  #lastWrite: Promise<void> = Promise.resolve();

  constructor(path: string, manifests: Manifests) {
    this.#path = path;
    this.#manifests = manifests;
  }

  async appBinding(name: ObjectName, options?: ClusterOptions): Promise<ObjectOf<"AppBinding">> {
    return this.#read("AppBinding", name, options);
  }

  async repository(name: ObjectName, options?: ClusterOptions): Promise<ObjectOf<"Repository">> {
    const repository = this.#read("Repository", name, options);
    const status = await readStatusFile(statusFilePath(this.#manifests.directory, "Repository", name));
    return status === undefined ? repository : { ...repository, status };
  }

  async secret(name: ObjectName, options?: ClusterOptions): Promise<ReadonlyMap<string, Uint8Array>> {
    return decodeSecret(this.#read("Secret", name, options));
  }

  async namespaceLabels(name: string, options?: ClusterOptions): Promise<Readonly<Record<string, string>>> {
    const namespace = this.#read("Namespace", { namespace: name, name }, options);
    // An API server sets this one by itself.
    return { ...namespace.metadata.labels, "kubernetes.io/metadata.name": name };
  }

  async updateStatus(kind: StatusKind, name: ObjectName, change: StatusChange, options?: ClusterOptions): Promise<void> {
    const initial: Status = this.#read(kind, name, options).status ?? {};
    const path = statusFilePath(this.#manifests.directory, kind, name);
    const write = this.#lastWrite.then(() => {
      options?.signal?.throwIfAborted();
      return changeStatusFile(path, change, { kind, name, initial });
    });
    // Whoever comes next waits for the end of this write, not for its success.
    this.#lastWrite = write.then(ignore, ignore);
    await write;
  }

  async emitEvent(event: ClusterEvent, options?: ClusterOptions): Promise<void> {
    options?.signal?.throwIfAborted();
    const { kind, object, type, reason, message } = event;
    const path = join(this.#manifests.directory, "events.jsonl");
    const line = { time: new Date().toISOString(), type, reason, message, kind, namespace: object.namespace, name: object.name };
    try {
      await appendFile(path, `${JSON.stringify(line)}\n`);
    } catch (cause) {
      throw new ParameterError(`Cannot write event to "${path}"`, { cause, hint: "Make the directory of the manifests writable" });
    }
  }

  #read<K extends ObjectKind>(kind: K, name: ObjectName, options?: ClusterOptions): ObjectOf<K> {
    options?.signal?.throwIfAborted();
    const label = kind === "Namespace" ? name.name : `${name.namespace}/${name.name}`;
    const manifest = this.#find(kind, name, label);
    const metadata = manifest.object.metadata as Record<string, unknown>;
    const object = kind === "Namespace" ? manifest.object : { ...manifest.object, metadata: { ...metadata, namespace: name.namespace } };
    return parseObject(kind, object, { name: label, origin: manifest.file });
  }

  #find(kind: ObjectKind, { namespace, name }: ObjectName, label: string): Manifest {
    const ofKind = this.#manifests.all.filter((manifest) => manifest.kind === kind);
    const isAsked = (manifest: Manifest) =>
      manifest.name === name && (kind === "Namespace" || manifest.namespace === undefined || manifest.namespace === namespace);
    const [first, second] = ofKind.filter(isAsked);
    // One with this namespace and one without any: which is meant is not ours to guess.
    if (first !== undefined && second !== undefined) throw duplicate(`${kind} "${label}"`, first, second);
    if (first !== undefined) return first;
    const others = ofKind.map((each) => `"${each.namespace === undefined ? "" : `${each.namespace}/`}${each.name}"`);
    throw new ParameterError(`Cannot find ${kind} "${label}" in "${this.#path}"`, {
      hint: others.length === 0 ? `There is no ${kind} at all` : `There is ${others.join(", ")}`,
    });
  }
}

function ignore(): void {}
