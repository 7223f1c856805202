import { IncompleteError, NoSuchSnapshotError, ParameterError } from "../errors.ts";
import type { StoreOptions } from "../storage/object-store.ts";
import { type DamagedManifest, listSnapshotIds, readManifest, tryReadManifest } from "./list-snapshots.ts";
import type { Manifest } from "./manifest.ts";
import { isSnapshotId, manifestKey } from "./object-keys.ts";
import type { Repository } from "./repository.ts";

export interface SnapshotSelector {
  /** An id, or "latest": the newest one that fits the rest. */
  readonly id: string;
  readonly engine?: string | undefined;
  readonly target?: { readonly namespace: string; readonly kind: string; readonly name: string } | undefined;
  readonly host?: string | undefined;
}

export interface FindOptions extends StoreOptions {
  warn?(reason: string, message: string): void;
}

/**
 * The snapshot that is meant. `latest` is refused while it could be several targets', engines' or hosts', and when a damaged manifest could be the
 * latest. An id may be that of another target (that is how one clones), but not of another engine.
 * @throws NoSuchSnapshotError, ParameterError, IncompleteError
 */
export async function findSnapshot(repository: Repository, selector: SnapshotSelector, options: FindOptions = {}): Promise<Manifest> {
  return selector.id === "latest" ? findLatest(repository, selector, options) : findById(repository, selector, options);
}

async function findById(repository: Repository, { id, engine }: SnapshotSelector, options: FindOptions): Promise<Manifest> {
  if (!isSnapshotId(id))
    throw new ParameterError(`Invalid snapshot id "${id}": expected "latest" or an id like "20300131T235959Z-0123abcd"`);
  let manifest: Manifest | undefined;
  try {
    manifest = await readManifest(repository, id, options);
  } catch (error) {
    if (!(error instanceof IncompleteError)) throw error;
    throw new IncompleteError(`Cannot use snapshot "${id}": its manifest "${manifestKey(id)}" is damaged`, { cause: error });
  }
  if (manifest === undefined) throw new NoSuchSnapshotError(`There is no snapshot "${id}" at ${repository.store.description}`);
  if (engine !== undefined && manifest.engine !== engine) {
    throw new ParameterError(`Snapshot "${id}" is of engine "${manifest.engine}", not "${engine}"`);
  }
  return manifest;
}

async function findLatest(repository: Repository, selector: SnapshotSelector, options: FindOptions): Promise<Manifest> {
  const isUnambiguous = selector.engine !== undefined && selector.target !== undefined && selector.host !== undefined;
  const matches: Manifest[] = [];
  const damaged: DamagedManifest[] = [];
  for (const id of (await listSnapshotIds(repository, options)).reverse()) {
    const read = await tryReadManifest(repository, id, options);
    if ("problem" in read) damaged.push(read);
    else if (fits(read, selector)) matches.push(read);
    if (isUnambiguous && matches.length > 0) break;
  }
  return chooseLatest(repository, { matches, damaged }, options);
}

function chooseLatest(repository: Repository, found: { matches: Manifest[]; damaged: DamagedManifest[] }, options: FindOptions): Manifest {
  const { matches, damaged } = found;
  const [latest] = matches;
  // Whose snapshot a damaged manifest was, nobody can say: it may be the one that is asked for.
  const newer = damaged.filter(({ key }) => latest === undefined || key > manifestKey(latest.id));
  if (newer.length > 0) {
    const names = newer.map(({ key, problem }) => `"${key}" (${problem})`).join(", ");
    throw new IncompleteError(`Cannot say which snapshot is the latest, because of damaged manifests: ${names}`, {
      hint: latest === undefined ? "There is no good snapshot that fits" : `The newest good one is "${latest.id}": name it to use it`,
      facts: { damaged: newer.map(({ key }) => key), newestGood: latest?.id },
    });
  }
  if (latest === undefined) throw new NoSuchSnapshotError(`There is no snapshot that fits at ${repository.store.description}`);
  const groups = new Map(matches.map((manifest) => [describeGroup(manifest), manifest]).reverse() as [string, Manifest][]);
  if (groups.size > 1) {
    const candidates = [...groups].map(([group, manifest]) => `${group}: ${manifest.id}`).sort();
    throw new ParameterError(`"latest" could be one of ${groups.size} snapshots: ${candidates.join("; ")}`, {
      hint: "Name the snapshot's id, or the engine, target and host",
      facts: { candidates },
    });
  }
  for (const { key, problem } of damaged) options.warn?.("ManifestDamaged", `"${key}": ${problem}`);
  return latest;
}

function fits(manifest: Manifest, { engine, target, host }: SnapshotSelector): boolean {
  if (engine !== undefined && manifest.engine !== engine) return false;
  if (host !== undefined && manifest.host !== host) return false;
  const { namespace, kind, name } = manifest.target;
  return target === undefined || (target.namespace === namespace && target.kind === kind && target.name === name);
}

function describeGroup({ engine, target, host }: Manifest): string {
  return `${engine} ${target.kind} ${target.namespace}/${target.name} host ${host}`;
}
