import { IncompleteError, NoSuchSnapshotError, ParameterError } from "../errors.ts";
import type { StoreOptions } from "../storage/object-store.ts";
import { type DamagedManifest, listSnapshotIds, readManifest, tryReadManifest } from "./list-snapshots.ts";
import type { Manifest } from "./manifest.ts";
import { isSnapshotId, manifestKey } from "./object-keys.ts";
import type { Repository } from "./repository.ts";

export interface SnapshotSelector {
  /** "latest": the newest one that fits the rest. Or an id: whole, or what makes it unique, its beginning or the beginning of its last 8 digits. */
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

async function findById(repository: Repository, { id: text, engine }: SnapshotSelector, options: FindOptions): Promise<Manifest> {
  const id = isSnapshotId(text) ? text : await completeId(repository, text, options);
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

const SHORT_ID = /^([0-9a-f]{4,8}|\d{8}T[0-9]{0,6}Z?|\d{8}T\d{6}Z-[0-9a-f]{0,7})$/;

/** People copy what they see of an id. Two snapshots that fit are refused: nobody can say which one is meant. */
async function completeId(repository: Repository, text: string, options: FindOptions): Promise<string> {
  if (!SHORT_ID.test(text)) {
    throw new ParameterError(
      `Invalid snapshot id "${text}": expected "latest" or an id like "20300131T235959Z-0123abcd", of which the last 8 digits are enough`,
    );
  }
  const ids = (await listSnapshotIds(repository, options)).filter((id) => id.startsWith(text) || id.split("-")[1]?.startsWith(text));
  const [id] = ids;
  if (id === undefined) throw new NoSuchSnapshotError(`There is no snapshot "${text}" at ${repository.store.description}`);
  if (ids.length === 1) return id;
  const named = ids.slice(-10).join(", ");
  throw new ParameterError(`"${text}" could be one of ${ids.length} snapshots: ${named}`, {
    hint: "Name the whole id",
    facts: { candidates: ids },
  });
}

async function findLatest(repository: Repository, selector: SnapshotSelector, options: FindOptions): Promise<Manifest> {
  const isUnambiguous = selector.engine !== undefined && selector.target !== undefined && selector.host !== undefined;
  const matches: Manifest[] = [];
  const others: Manifest[] = [];
  const damaged: DamagedManifest[] = [];
  for (const id of (await listSnapshotIds(repository, options)).reverse()) {
    const read = await tryReadManifest(repository, id, options);
    if ("problem" in read) damaged.push(read);
    else (fits(read, selector) ? matches : others).push(read);
    if (isUnambiguous && matches.length > 0) break;
  }
  return chooseLatest(repository, { matches, others, damaged }, options);
}

interface Found {
  /** All from the newest to the oldest. */
  readonly matches: readonly Manifest[];
  readonly others: readonly Manifest[];
  readonly damaged: readonly DamagedManifest[];
}

function chooseLatest(repository: Repository, { matches, others, damaged }: Found, options: FindOptions): Manifest {
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
  if (latest === undefined) throw nothingFits(repository, others);
  const candidates = latestOfEachGroup(matches);
  if (candidates.length > 1) {
    throw new ParameterError(`"latest" could be one of ${candidates.length} snapshots: ${candidates.join("; ")}`, {
      hint: "Name the snapshot's id, or the engine, target and host",
      facts: { candidates },
    });
  }
  for (const { key, problem } of damaged) options.warn?.("ManifestDamaged", `"${key}": ${problem}`);
  return latest;
}

/** What is there instead is named, and never taken: it is somebody else's. */
function nothingFits(repository: Repository, others: readonly Manifest[]): NoSuchSnapshotError {
  const message = `There is no snapshot that fits at ${repository.store.description}`;
  const candidates = latestOfEachGroup(others);
  if (candidates.length === 0) return new NoSuchSnapshotError(message, { hint: "The repository holds no snapshot" });
  const named = candidates.slice(0, 20).join("; ");
  const more = candidates.length > 20 ? `; and ${candidates.length - 20} more` : "";
  return new NoSuchSnapshotError(message, {
    hint: `The repository holds ${named}${more}. Name an id to restore it`,
    facts: { candidates },
  });
}

/** `manifests` from the newest to the oldest. */
function latestOfEachGroup(manifests: readonly Manifest[]): string[] {
  const groups = new Map<string, Manifest>();
  for (const manifest of manifests) {
    const group = describeGroup(manifest);
    if (!groups.has(group)) groups.set(group, manifest);
  }
  return [...groups].map(([group, manifest]) => `${group}: ${manifest.id}`).sort();
}

/** Whether the manifest is what the selector asks for, whatever its id. */
export function fits(manifest: Manifest, { engine, target, host }: Omit<SnapshotSelector, "id">): boolean {
  if (engine !== undefined && manifest.engine !== engine) return false;
  if (host !== undefined && manifest.host !== host) return false;
  const { namespace, kind, name } = manifest.target;
  return target === undefined || (target.namespace === namespace && target.kind === kind && target.name === name);
}

function describeGroup({ engine, target, host }: Manifest): string {
  return `${engine} ${target.kind} ${target.namespace}/${target.name} host ${host}`;
}
