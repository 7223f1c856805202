import pLimit from "p-limit";
import * as z from "zod";
import { DatabaseUnavailableError, IncompleteError } from "../../runner/errors.ts";
import { nameGroups } from "./name-groups.ts";
import { listed } from "./plan-objects.ts";
import type { PreparedTarget } from "./prepare-target.ts";
import type { RestorePlan } from "./restore-plan.ts";
import { pathOf, type SearchTransport } from "./transport.ts";
import { unexpectedAnswer } from "./unexpected-answer.ts";

const AT_ONCE = 4;
const shards = z.object({ total: z.int(), successful: z.int(), failed: z.int() });
const refreshAnswer = z.object({ _shards: shards });
const countAnswer = z.object({ count: z.int().min(0), _shards: shards });

/**
 * Refreshes the restored indices and compares their number of documents with the snapshot's. Resolves with the sum.
 * @throws IncompleteError with all differences
 */
export async function countDocuments(transport: SearchTransport, plan: RestorePlan, prepared: PreparedTarget): Promise<number> {
  const restored = plan.indices
    .filter(({ action }) => action !== "skip")
    .map((index) => ({ name: prepared.loaded(index).index, wanted: index.facts.documents }));
  for (const group of nameGroups(restored.map(({ name }) => name))) await refresh(transport, group);
  const atOnce = pLimit(AT_ONCE);
  const counted = await Promise.all(
    restored.map(({ name, wanted }) => atOnce(async () => ({ name, wanted, has: await count(transport, name) }))),
  );
  const different = counted.filter(({ wanted, has }) => wanted !== has);
  if (different.length > 0) {
    const says = different.map(({ name, wanted, has }) => `"${name}" holds ${has} instead of ${wanted}`);
    throw new IncompleteError(`The restored indices do not hold as many documents as the snapshot: ${listed(says)}`, {
      reason: "CountsDiffer",
      facts: { differences: Object.fromEntries(different.map(({ name, wanted, has }) => [name, { wanted, has }])) },
      hint: "Is somebody else writing into them? Restore again with --policy replace",
    });
  }
  return counted.reduce((sum, { has }) => sum + has, 0);
}

async function refresh(transport: SearchTransport, names: readonly string[]): Promise<void> {
  const path = pathOf(names, "_refresh");
  const parsed = refreshAnswer.safeParse((await transport.json({ method: "POST", path, idleTimeoutMs: REFRESH_MS })).json);
  if (!parsed.success) throw unexpectedAnswer(transport, `POST ${path}`, parsed.error);
  const { failed } = parsed.data._shards;
  if (failed > 0)
    throw new DatabaseUnavailableError(`${failed} shards of the restored indices could not be refreshed`, { reason: "ShardsFailed" });
}

/** After a load without refreshing, the first refresh writes much. */
const REFRESH_MS = 600_000;

/** Nested documents count as none: as when they were backed up. */
async function count(transport: SearchTransport, name: string): Promise<number> {
  const path = pathOf(name, "_count");
  const parsed = countAnswer.safeParse((await transport.json({ method: "GET", path })).json);
  if (!parsed.success) throw unexpectedAnswer(transport, `GET ${path}`, parsed.error);
  const { total, successful, failed } = parsed.data._shards;
  if (failed > 0 || successful !== total)
    throw new DatabaseUnavailableError(`Only ${successful} of ${total} shards of index "${name}" could be counted`, {
      reason: "ShardsFailed",
    });
  return parsed.data.count;
}
