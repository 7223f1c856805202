import pLimit from "p-limit";
import { DatabaseRefusedError, DatabaseUnavailableError, HoldfastError } from "../../runner/errors.ts";
import { isServerMade } from "./index-settings.ts";
import { nameGroups } from "./name-groups.ts";
import { listed } from "./plan-objects.ts";
import type { IndexPlan, JsonObject } from "./restore-plan.ts";
import { compareJson } from "./same-json.ts";
import { type Creation, settleCreation } from "./settle-creation.ts";
import { pathOf, type SearchTransport } from "./transport.ts";

export interface CreationOptions {
  warn(reason: string, message: string): void;
}

const AT_ONCE = 4;
/** Within a pod's grace period. */
const CLEAN_UP_MS = 8_000;

interface Outcome {
  readonly created: string[];
  /** Asked for, and neither created nor refused for certain. */
  readonly unanswered: string[];
}

/**
 * Creates the indices, all or none, and compares each with what was sent: a template of the target may add to it, but not contradict it.
 * Resolves with their names. @throws DatabaseRefusedError, DatabaseUnavailableError when those that were created are deleted again
 */
export async function createIndices(transport: SearchTransport, plans: readonly IndexPlan[], options: CreationOptions): Promise<string[]> {
  const outcome: Outcome = { created: [], unanswered: [] };
  const droppedFrom = new Map<string, string[]>();
  const atOnce = pLimit(AT_ONCE);
  const creations = new Map<string, Creation>(plans.map(({ target, creation }) => [target, creation]));
  let failure: unknown;
  const createOne = async ({ target, creation }: IndexPlan) => {
    if (failure !== undefined) return;
    const settled = await create(transport, target, creation, outcome);
    creations.set(target, settled.creation);
    for (const name of settled.dropped) droppedFrom.set(name, [...(droppedFrom.get(name) ?? []), target]);
  };
  const fail = (error: unknown) => {
    failure ??= error;
  };
  await Promise.all(plans.map((plan) => atOnce(() => createOne(plan).catch(fail))));
  try {
    if (failure !== undefined) throw failure;
    await compareCreated(transport, creations, options);
  } catch (error) {
    throw await undo(transport, outcome, error);
  }
  for (const [name, indices] of droppedFrom)
    options.warn("SettingDropped", `The target does not know the setting "${name}": left out of ${listed(indices, 5)}`);
  return plans.map(({ target }) => target);
}

async function create(
  transport: SearchTransport,
  name: string,
  creation: Creation,
  { created, unanswered }: Outcome,
): Promise<{ readonly creation: Creation; readonly dropped: readonly string[] }> {
  const path = pathOf(name);
  const send = (body: Creation) =>
    transport.json({ method: "PUT", path, body, statuses: [400] }).catch((error: unknown) => {
      if (!(error instanceof DatabaseRefusedError)) unanswered.push(name);
      throw error;
    });
  const settled = await settleCreation(creation, send);
  if ("refusal" in settled)
    throw new DatabaseRefusedError(`Cannot create index "${name}" at ${transport.description}: ${settled.refusal}`, {
      reason: "IndexRefused",
    });
  created.push(name);
  const { acknowledged, shards_acknowledged } = (settled.answer.json ?? {}) as Readonly<Record<string, unknown>>;
  if (acknowledged !== true || shards_acknowledged !== true)
    throw new DatabaseUnavailableError(`The shards of the new index "${name}" did not start in time`, {
      reason: "ShardsNotStarted",
      hint: "GET _cluster/allocation/explain says why: full disks, usually, or too few nodes",
    });
  return settled;
}

/** Deletes what was created; the error's facts say what could not be, and what may have been created without an answer. */
async function undo(transport: SearchTransport, { created, unanswered }: Outcome, cause: unknown): Promise<unknown> {
  const remaining: string[] = [];
  const cleaner = transport.forCleanUp(CLEAN_UP_MS);
  for (const group of nameGroups(created)) {
    try {
      await cleaner.json({ method: "DELETE", path: pathOf(group), query: { ignore_unavailable: true } });
    } catch {
      remaining.push(...group);
    }
  }
  if (!(cause instanceof HoldfastError) || remaining.length + unanswered.length === 0) return cause;
  const left = [
    ...(remaining.length === 0 ? [] : [`Created, and not deleted again: ${listed(remaining)}`]),
    ...(unanswered.length === 0 ? [] : [`Created or not, there was no answer: ${listed(unanswered)}`]),
  ];
  const hint = [...left, ...(cause.hint === undefined ? [] : [cause.hint])].join(". ");
  return Object.assign(cause, { hint, facts: { ...cause.facts, createdIndices: [...remaining, ...unanswered] } });
}

async function compareCreated(transport: SearchTransport, sent: ReadonlyMap<string, Creation>, { warn }: CreationOptions): Promise<void> {
  const contradictions: string[] = [];
  for (const group of nameGroups([...sent.keys()])) {
    const query = { flat_settings: true, expand_wildcards: "all" };
    const answer = (await transport.json({ method: "GET", path: pathOf(group), query })).json as Readonly<Record<string, ReadIndex>>;
    for (const name of group) {
      const { creation, index } = { creation: sent.get(name)!, index: answer[name] };
      if (index === undefined) {
        contradictions.push(`"${name}" is gone`);
        continue;
      }
      const found = compare(creation, index);
      contradictions.push(...found.contradictions.map((what) => `"${name}": ${what}`));
      if (found.surplus.length > 0)
        warn("IndexHasMore", `Index "${name}" has more than in the snapshot, by a template of the target: ${listed(found.surplus)}`);
      if (found.missing.length > 0) warn("IndexHasLess", `Index "${name}" was created without ${listed(found.missing)}`);
    }
  }
  if (contradictions.length > 0)
    throw new DatabaseRefusedError(`New indices are not as they were to be: ${listed(contradictions)}`, {
      reason: "IndexDiffers",
      hint: "A template of the target contradicts the snapshot: change it, or restore under other names",
    });
}

interface ReadIndex {
  readonly settings: JsonObject;
  readonly mappings: JsonObject;
  readonly aliases: JsonObject;
}

function compare(sent: Creation, { settings, mappings, aliases }: ReadIndex) {
  const ofMappings = compareJson(sent.mappings, mappings);
  const names = Object.keys(sent.settings).filter((name) => sent.settings[name] !== null);
  const changed = names.filter((name) => settings[name] === undefined || !isSame(sent.settings[name], settings[name]));
  const more = Object.keys(settings).filter((name) => settings[name] !== null && !names.includes(name) && !isServerMade(name));
  return {
    contradictions: [
      ...changed.map((name) => `setting ${name} is ${JSON.stringify(settings[name])} instead of ${JSON.stringify(sent.settings[name])}`),
      ...ofMappings.changed.map((path) => `mapping ${path} differs`),
    ],
    missing: ofMappings.missing.map((path) => `mapping ${path}`),
    surplus: [
      ...more.map((name) => `setting ${name}`),
      // Time series and logs have it by themselves.
      ...ofMappings.surplus.filter((path) => path !== "_data_stream_timestamp").map((path) => `mapping ${path}`),
      ...Object.keys(aliases).map((alias) => `alias ${alias}`),
    ],
  };
}

function isSame(one: unknown, other: unknown): boolean {
  return compareJson(one, other).changed.length === 0;
}
