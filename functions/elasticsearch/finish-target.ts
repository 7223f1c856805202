import { DatabaseRefusedError, DatabaseUnavailableError } from "../../runner/errors.ts";
import { askAgain } from "./ask-again.ts";
import { assertFinished } from "./assert-finished.ts";
import type { SearchServer } from "./inspect-server.ts";
import { makeStreams } from "./make-streams.ts";
import { nameGroups } from "./name-groups.ts";
import type { PreparedTarget, TargetOptions } from "./prepare-target.ts";
import { putBackSettings } from "./put-back-settings.ts";
import { putObjects } from "./put-objects.ts";
import type { JsonObject, RestorePlan } from "./restore-plan.ts";
import { pathOf, type SearchTransport } from "./transport.ts";

export interface FinishReport {
  /** By kind: templates, pipelines and the like that were written; data streams; aliases. */
  readonly counts: Readonly<Record<string, number>>;
}

export interface FinishOptions extends TargetOptions {
  readonly prepared: PreparedTarget;
}

/**
 * Puts back what loading had to do without: settings, replicas, templates, data streams, aliases, blocks, closed indices; reads it back and compares.
 * Call it when the counts are right (`countDocuments`).
 * @throws IncompleteError naming what is not as in the snapshot, DatabaseRefusedError, DatabaseUnavailableError
 */
export async function finishTarget(
  transport: SearchTransport,
  server: SearchServer,
  plan: RestorePlan,
  options: FinishOptions,
): Promise<FinishReport> {
  const { prepared } = options;
  const objectsOf = (phase: string) => plan.objects.filter((object) => object.phase === phase);
  const own = plan.indices.filter(({ action, loadThrough }) => action !== "skip" && loadThrough === "index");
  const held = new Map([...own.map(({ target, held: settings }) => [target, settings] as const), ...prepared.heldByStreams]);
  await flush(transport, [...held.keys()], options);
  const settings = await putBackSettings(transport, held, options);
  await putObjects(transport, objectsOf("after-data"), options);
  const streams = await makeStreams(transport, plan, options);
  await putAliases(transport, plan, options);
  await putObjects(transport, objectsOf("last"), options);
  await assertFinished(transport, server, { plan, prepared, settings });
  // A block on metadata would hide from here on whether all is well.
  const blocks = new Map(own.filter(({ blocks }) => Object.keys(blocks).length > 0).map((index) => [index.target, index.blocks]));
  await putBackSettings(transport, blocks, options);
  for (const { target, entry } of own) if (entry.isClosed) await close(transport, target, options);
  return { counts: { ...countKinds(plan), dataStreams: streams, aliases: new Set(plan.aliases.map(({ alias }) => alias)).size } };
}

/** Until now the documents may lie in memory alone. */
async function flush(transport: SearchTransport, names: readonly string[], options: FinishOptions): Promise<void> {
  for (const group of nameGroups(names)) {
    const ask = () => transport.json({ method: "POST", path: pathOf(group, "_flush"), idleTimeoutMs: FLUSH_MS });
    const { json } = await askAgain(ask, { ...options, subject: "a flush" });
    const { failed } = (json as { _shards?: { failed?: number } })._shards ?? {};
    if (failed !== 0)
      throw new DatabaseUnavailableError(`${failed ?? "Some"} shards of the restored indices could not be written to disk`, {
        reason: "ShardsFailed",
      });
  }
}

const FLUSH_MS = 600_000;

/** All at once: nobody sees an alias that has a part of its indices. */
async function putAliases(transport: SearchTransport, { aliases }: RestorePlan, options: FinishOptions): Promise<void> {
  if (aliases.length === 0) return;
  const actions = aliases.map(({ alias, target, attributes }) => ({ add: { index: target, alias, ...attributes } satisfies JsonObject }));
  await askAgain(() => transport.json({ method: "POST", path: "/_aliases", body: { actions } }), { ...options, subject: "aliases" });
}

async function close(transport: SearchTransport, index: string, options: FinishOptions): Promise<void> {
  const ask = () => transport.json({ method: "POST", path: pathOf(index, "_close") });
  const { json } = await askAgain(ask, { ...options, subject: `closing "${index}"` });
  const { acknowledged, indices } = json as { acknowledged?: boolean; indices?: Readonly<Record<string, { closed?: boolean }>> };
  // Elasticsearch before 7.3 says no more than that it will.
  if (acknowledged !== true || indices?.[index]?.closed === false)
    throw new DatabaseRefusedError(`Index "${index}" could not be closed again; all its documents are there`, { reason: "NotClosed" });
}

function countKinds({ objects }: RestorePlan): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { kind } of objects) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}
