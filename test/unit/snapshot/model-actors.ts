// What actors of the model do: back up, with and without a base, forget, prune. What may go wrong in such a world is swallowed by name; the rest fails the run.
import { IncompleteError, LockedError, NoSuchSnapshotError, ParameterError, StoreUnavailableError } from "../../../runner/errors.ts";
import { applyRetention } from "../../../runner/snapshot/apply-retention.ts";
import { forgetByIds } from "../../../runner/snapshot/forget.ts";
import { listSnapshots } from "../../../runner/snapshot/list-snapshots.ts";
import type { Manifest } from "../../../runner/snapshot/manifest.ts";
import { prune } from "../../../runner/snapshot/prune.ts";
import type { Repository } from "../../../runner/snapshot/repository.ts";
import { startSnapshot } from "../../../runner/snapshot/write-snapshot.ts";
import type { SeededRandom } from "../../tools/seeded-random.ts";
import type { Actor } from "./model-world.ts";
import { head, onStore, result } from "./snapshot-parts.ts";

const HOUR = 60 * 60_000;

/** What happened, so that a run that shows nothing is noticed. */
export interface Tally {
  committed: number;
  reused: number;
  lapsed: number;
  refusedBases: number;
  forgotten: number;
  prunes: number;
  pruned: number;
  locked: number;
}

export interface ModelParts {
  readonly repository: Repository;
  readonly random: SeededRandom;
  readonly tally: Tally;
  /** Content of each snapshot that may be listed, by id and stream; written down before its commit. */
  readonly contents: Map<string, Map<string, Buffer>>;
}

const HOSTS = ["host-0", "host-1"];
const signal = new AbortController().signal;

export function backup({ repository, random, tally, contents }: ModelParts): (actor: Actor) => Promise<void> {
  return tolerating(async (actor) => {
    const own = onStore(repository, actor.store);
    const host = HOSTS[random.below(2)] as string;
    if (random.oneIn(2)) await actor.sleep(random.below(6 * HOUR), { apart: true });
    const { manifests } = await listSnapshots(own);
    const base = random.oneIn(4) ? undefined : manifests[random.below(manifests.length)];
    const warn = (reason: string) => {
      if (reason === "BaseNotUsed") tally.refusedBases += 1;
    };
    const idSuffix = random.bytes(4).toString("hex");
    await using snapshot = await startSnapshot(own, { ...head, host }, { signal, now: actor.now, base, warn, idSuffix });
    const chosen = snapshot.base?.id;
    // The worst moment: the base was just found to be there.
    if (chosen !== undefined && random.oneIn(3)) actor.world.spawn(`forget-${chosen}`, forgetOne({ repository, tally }, chosen));
    const content = new Map<string, Buffer>();
    for (const name of ["a", "b"]) {
      if (snapshot.base !== undefined && random.oneIn(2)) {
        snapshot.reuse(name);
        content.set(name, contents.get(snapshot.base.id)?.get(name) as Buffer);
        tally.reused += 1;
        continue;
      }
      const bytes = random.bytes(1 + random.below(40));
      const stream = snapshot.stream(name, { mediaType: "x" });
      await stream.write(bytes);
      await stream.finish();
      content.set(name, bytes);
      await actor.sleep(random.oneIn(3) ? 19 * HOUR + random.below(12 * HOUR) : 1);
    }
    if (random.oneIn(8)) return;
    contents.set(snapshot.id, content);
    try {
      await snapshot.commit(result);
      tally.committed += 1;
    } catch (error) {
      if (!(error instanceof IncompleteError && /lapsed/.test(error.message))) throw error;
      tally.lapsed += 1;
    }
  });
}

export function forget({ repository, random, tally }: ModelParts): (actor: Actor) => Promise<void> {
  return tolerating(async (actor) => {
    const own = onStore(repository, actor.store);
    await actor.sleep(random.below(12 * HOUR));
    const onForgotten = () => {
      tally.forgotten += 1;
    };
    if (random.oneIn(2)) {
      const scope = random.oneIn(2) ? undefined : [{ target: head.target, hosts: [HOSTS[random.below(2)] as string] }];
      const policy = { keepLast: 1 + random.below(3), prune: random.oneIn(4) };
      await applyRetention(own, policy, { holder: actor.name, now: actor.now, scope, onForgotten, warn: () => undefined });
      return;
    }
    const ids = (await listSnapshots(own)).manifests.map(({ id }: Manifest) => id);
    if (ids.length > 1) await forgetByIds(own, [ids[random.below(ids.length)] as string], { onForgotten });
  });
}

function forgetOne({ repository, tally }: Pick<ModelParts, "repository" | "tally">, id: string): (actor: Actor) => Promise<void> {
  return tolerating(async (actor) => {
    await forgetByIds(onStore(repository, actor.store), [id]);
    tally.forgotten += 1;
  });
}

export function pruneNow({ repository, random, tally }: ModelParts): (actor: Actor) => Promise<void> {
  return tolerating(async (actor) => {
    await actor.sleep(random.below(12 * HOUR));
    const { removed } = await prune(onStore(repository, actor.store), { holder: actor.name, now: actor.now, warn: () => undefined }).catch(
      (error: unknown) => {
        if (error instanceof LockedError) tally.locked += 1;
        throw error;
      },
    );
    tally.prunes += 1;
    tally.pruned += removed.objects;
  });
}

/** Of the store's failures, of locks and of changes by others everybody may fail. */
function tolerating(script: (actor: Actor) => Promise<void>): (actor: Actor) => Promise<void> {
  return async (actor) => {
    try {
      await script(actor);
    } catch (error) {
      const isExpected =
        error instanceof StoreUnavailableError ||
        error instanceof LockedError ||
        error instanceof NoSuchSnapshotError ||
        (error instanceof IncompleteError && ["ChangedMeanwhile", "SnapshotNotWithdrawn"].includes(error.reason));
      if (!isExpected || error instanceof ParameterError) throw error;
    }
  };
}
