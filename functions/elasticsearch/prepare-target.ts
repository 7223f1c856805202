import { DatabaseRefusedError, HoldfastError } from "../../runner/errors.ts";
import type { Log } from "../../runner/function.ts";
import { askAgain } from "./ask-again.ts";
import { createIndices } from "./create-indices.ts";
import { readIndexIdentities } from "./index-identity.ts";
import type { SearchServer } from "./inspect-server.ts";
import { listed } from "./plan-objects.ts";
import { type AskOptions, putObjects } from "./put-objects.ts";
import type { IndexPlan, JsonObject, RestorePlan } from "./restore-plan.ts";
import { StreamReplay } from "./stream-replay.ts";
import { pathOf, type SearchTransport } from "./transport.ts";

export interface TargetOptions {
  readonly log: Log;
  readonly signal: AbortSignal;
  warn(reason: string, message: string): void;
}

/** Where the documents of one index go. */
export interface LoadTarget {
  /** Bulk requests name this: an index, or a data stream. */
  readonly writeTo: string;
  /** The index that holds the documents afterwards. */
  readonly index: string;
  /** Data streams and time series take "create" alone. */
  readonly operation: "index" | "create";
  /** Neither `_id` nor routing may be sent. */
  readonly omitIds: boolean;
}

export interface PreparedTarget {
  /** Names of the indices that this run created, in order: what is left when it fails from here on. */
  readonly created: readonly string[];
  /**
   * Must be called before the first document of an index; not for those that are skipped. Indices of one data stream come in the plan's order,
   * one after the other: the next may be asked for when the last one is loaded, for the stream may roll over in between.
   */
  loadTarget(index: IndexPlan): Promise<LoadTarget>;
  /** What `loadTarget` said of this index. @throws Error when it was not asked */
  loaded(index: IndexPlan): LoadTarget;
  /** Settings to put back on indices that data streams made, by index. */
  readonly heldByStreams: ReadonlyMap<string, JsonObject>;
  /** UUIDs of the indices that documents were to be loaded into, by name. */
  readonly uuids: ReadonlyMap<string, string>;
}

/**
 * Writes scripts, pipelines and policies, deletes what is replaced, and creates the indices with settings that suit loading. When the target
 * refuses one, those that were created here are deleted again, and the error's facts name what is gone for good.
 * @throws DatabaseRefusedError, DatabaseUnavailableError
 */
export async function prepareTarget(
  transport: SearchTransport,
  server: SearchServer,
  plan: RestorePlan,
  options: TargetOptions,
): Promise<PreparedTarget> {
  const objectsOf = (phase: string) => plan.objects.filter((object) => object.phase === phase);
  await putObjects(transport, objectsOf("before-indices"), options);
  const deleted: string[] = [];
  const replays = new Map<string, StreamReplay>();
  let created: string[] = [];
  const uuids = new Map<string, string>();
  try {
    await deleteReplaced(transport, plan, { ...options, deleted });
    const plain = plan.indices.filter(({ action, loadThrough }) => action !== "skip" && loadThrough === "index");
    created = await createIndices(transport, plain, options);
    for (const { name, uuid } of (await readIndexIdentities(transport, created)).values()) uuids.set(name, uuid);
    await putObjects(transport, objectsOf("before-data"), options);
    for (const { target, action, method } of plan.dataStreams) {
      if (action === "skip" || method !== "replay") continue;
      const replay = new StreamReplay(target, { transport, server });
      await replay.create();
      replays.set(target, replay);
    }
  } catch (error) {
    throw tellWhatIsGone(error, { deleted, created: [...created, ...replays.keys()] });
  }
  return new Prepared({ created, uuids, replays });
}

interface PreparedParts {
  readonly created: string[];
  readonly uuids: ReadonlyMap<string, string>;
  readonly replays: ReadonlyMap<string, StreamReplay>;
}

class Prepared implements PreparedTarget {
  readonly #created: string[];
  readonly #uuids: ReadonlyMap<string, string>;
  readonly #replays: ReadonlyMap<string, StreamReplay>;
  readonly #loaded = new Map<number, LoadTarget>();

  constructor({ created, uuids, replays }: PreparedParts) {
    this.#created = created;
    this.#uuids = uuids;
    this.#replays = replays;
  }

  get created(): readonly string[] {
    return this.#created;
  }

  get heldByStreams(): ReadonlyMap<string, JsonObject> {
    return new Map([...this.#replays.values()].flatMap(({ held }) => [...held]));
  }

  get uuids(): ReadonlyMap<string, string> {
    return new Map([...this.#uuids, ...[...this.#replays.values()].flatMap(({ uuids }) => [...uuids])]);
  }

  async loadTarget(plan: IndexPlan): Promise<LoadTarget> {
    const { stream, target, omitIds, loadThrough, number } = plan;
    const replay = loadThrough === "stream" ? this.#replays.get(stream ?? "") : undefined;
    if (loadThrough === "stream" && replay === undefined) throw new Error(`Data stream "${stream}" was not prepared`);
    const index = replay === undefined ? target : await replay.indexFor(plan);
    if (replay !== undefined) this.#created.push(index);
    const operation = replay !== undefined || omitIds ? "create" : "index";
    const where: LoadTarget = { writeTo: replay?.stream ?? target, index, operation, omitIds };
    this.#loaded.set(number, where);
    return where;
  }

  loaded({ number, target }: IndexPlan): LoadTarget {
    const where = this.#loaded.get(number);
    if (where === undefined) throw new Error(`Index "${target}" was not loaded`);
    return where;
  }
}

/** A data stream takes its indices with it. `deleted` gets each name as soon as it may be gone. */
async function deleteReplaced(
  transport: SearchTransport,
  { dataStreams, indices }: RestorePlan,
  { deleted, ...options }: AskOptions & { readonly deleted: string[] },
): Promise<void> {
  const remove = async (target: string, path: string) => {
    // An answer that was lost is asked for again: what is gone already is as wanted.
    const ask = () => transport.json({ method: "DELETE", path, statuses: [404] });
    await askAgain(ask, { ...options, subject: `deleting "${target}"` }).catch((error: unknown) => {
      if (!(error instanceof DatabaseRefusedError)) deleted.push(target);
      throw error;
    });
    deleted.push(target);
  };
  for (const { target, action } of dataStreams) if (action === "replace") await remove(target, pathOf("_data_stream", target));
  for (const { target, action } of indices) if (action === "replace") await remove(target, pathOf(target));
}

function tellWhatIsGone(error: unknown, { deleted, created }: { deleted: readonly string[]; created: readonly string[] }): unknown {
  if (!(error instanceof HoldfastError) || deleted.length + created.length === 0) return error;
  const gone = deleted.length === 0 ? [] : [`Deleted in order to be replaced, and not restored: ${listed(deleted)}`];
  const left = created.length === 0 ? [] : [`Created, and empty: ${listed(created)}`];
  const hint = [...gone, ...left, ...(error.hint === undefined ? ["Restore again with --policy replace"] : [error.hint])].join(". ");
  const facts = {
    ...(deleted.length === 0 ? {} : { deletedIndices: deleted }),
    ...(created.length === 0 ? {} : { createdIndices: created }),
  };
  return Object.assign(error, { hint, facts: { ...facts, ...error.facts } });
}
