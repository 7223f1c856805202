import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import { ParameterError } from "../errors.ts";
import type {
  BackupInvoker,
  BackupInvokerKind,
  Cluster,
  ClusterAction,
  ClusterEvent,
  ClusterOptions,
  ObjectName,
  Status,
  StatusChange,
  StatusKind,
} from "./cluster.ts";
import { decodeSecret } from "./decode-secret.ts";
import { type ObjectKind, type ObjectOf, parseObject } from "./parse-object.ts";
import { duplicate, type Manifest, type Manifests, readManifests } from "./read-manifests.ts";
import { changeStatusFile, readStatusFile, statusFilePath } from "./status-file.ts";

const CLUSTER_WIDE: ReadonlySet<ObjectKind> = new Set(["Namespace", "Task", "Function", "BackupBlueprint"]);

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
    return this.#withStatus("Repository", name, options);
  }

  async secret(name: ObjectName, options?: ClusterOptions): Promise<ReadonlyMap<string, Uint8Array>> {
    return decodeSecret(this.#read("Secret", name, options));
  }

  async namespaceLabels(name: string, options?: ClusterOptions): Promise<Readonly<Record<string, string>>> {
    const namespace = this.#read("Namespace", { namespace: name, name }, options);
    // An API server sets this one by itself.
    return { ...namespace.metadata.labels, "kubernetes.io/metadata.name": name };
  }

  async backupSession(name: ObjectName, options?: ClusterOptions): Promise<ObjectOf<"BackupSession">> {
    return this.#withStatus("BackupSession", name, options);
  }

  async restoreSession(name: ObjectName, options?: ClusterOptions): Promise<ObjectOf<"RestoreSession">> {
    return this.#withStatus("RestoreSession", name, options);
  }

  async backupInvoker(kind: BackupInvokerKind, name: ObjectName, options?: ClusterOptions): Promise<BackupInvoker> {
    return this.#read(kind, name, options);
  }

  async task(name: string, options?: ClusterOptions): Promise<ObjectOf<"Task">> {
    return this.#read("Task", { namespace: "", name }, options);
  }

  async stashFunction(name: string, options?: ClusterOptions): Promise<ObjectOf<"Function">> {
    return this.#read("Function", { namespace: "", name }, options);
  }

  async mayI(_action: ClusterAction, options?: ClusterOptions): Promise<boolean> {
    options?.signal?.throwIfAborted();
    return true;
  }

  async updateStatus(
    kind: StatusKind,
    name: ObjectName,
    change: StatusChange,
    options?: ClusterOptions & { uid?: string | undefined },
  ): Promise<void> {
    const object = this.#read(kind, name, options);
    const { uid } = object.metadata;
    if (options?.uid !== undefined && uid !== undefined && options.uid !== uid) {
      throw new ParameterError(`${kind} "${name.namespace}/${name.name}" is not the one this run began with: it was made anew`, {
        reason: "ObjectReplaced",
      });
    }
    const initial: Status = object.status ?? {};
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

  async #withStatus<K extends StatusKind>(kind: K, name: ObjectName, options?: ClusterOptions): Promise<ObjectOf<K>> {
    const object = this.#read(kind, name, options);
    const status = await readStatusFile(statusFilePath(this.#manifests.directory, kind, name));
    return status === undefined ? object : { ...object, status };
  }

  #read<K extends ObjectKind>(kind: K, name: ObjectName, options?: ClusterOptions): ObjectOf<K> {
    options?.signal?.throwIfAborted();
    const hasNamespace = !CLUSTER_WIDE.has(kind);
    const label = hasNamespace ? `${name.namespace}/${name.name}` : name.name;
    const manifest = this.#find(kind, name, label);
    const metadata = manifest.object.metadata as Record<string, unknown>;
    const object = hasNamespace ? { ...manifest.object, metadata: { ...metadata, namespace: name.namespace } } : manifest.object;
    return parseObject(kind, object, { name: label, origin: manifest.file });
  }

  #find(kind: ObjectKind, { namespace, name }: ObjectName, label: string): Manifest {
    const ofKind = this.#manifests.all.filter((manifest) => manifest.kind === kind);
    const isAsked = (manifest: Manifest) =>
      manifest.name === name && (CLUSTER_WIDE.has(kind) || manifest.namespace === undefined || manifest.namespace === namespace);
    const [first, second] = ofKind.filter(isAsked);
    // One with this namespace and one without any: which is meant is not ours to guess.
    if (first !== undefined && second !== undefined) throw duplicate(`${kind} "${label}"`, first, second);
    if (first !== undefined) return first;
    const others = ofKind.map((each) => `"${each.namespace === undefined ? "" : `${each.namespace}/`}${each.name}"`);
    throw new ParameterError(`Cannot find ${kind} "${label}" in "${this.#path}"`, {
      reason: "ObjectNotFound",
      hint: others.length === 0 ? `There is no ${kind} at all` : `There is ${others.join(", ")}`,
    });
  }
}

function ignore(): void {}
