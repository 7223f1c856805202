import pLimit from "p-limit";
import { IncompleteError } from "../../runner/errors.ts";
import type { SnapshotReader } from "../../runner/function.ts";
import { formatDigest } from "./format-digest.ts";
import { loadIndex } from "./load-index.ts";
import type { LoadParts } from "./load-request.ts";
import type { PreparedTarget } from "./prepare-target.ts";
import type { IndexPlan, RestorePlan } from "./restore-plan.ts";
import type { SearchTransport } from "./transport.ts";

export interface LoadDocumentsParts extends LoadParts {
  readonly snapshot: SnapshotReader;
  readonly prepared: PreparedTarget;
  /** Aborted with the first failure, so that whatever else is being loaded ends too. */
  readonly failure: AbortController;
}

export interface LoadedDocuments {
  readonly documents: number;
  readonly refused: number;
  readonly retriedItems: number;
}

/** Enough to keep all requests busy with indices of one small stream each. */
const CHAINS_AT_ONCE = 8;

/**
 * Loads the documents of every index that is not skipped. What was read is compared with what the backup counted: number and digest.
 * @throws IncompleteError when they differ
 */
export async function loadDocuments(transport: SearchTransport, plan: RestorePlan, parts: LoadDocumentsParts): Promise<LoadedDocuments> {
  const { failure } = parts;
  const total = { documents: 0, refused: 0, retriedItems: 0 };
  const atOnce = pLimit(CHAINS_AT_ONCE);
  const loadChain = async (chain: readonly IndexPlan[]) => {
    for (const index of chain) {
      failure.signal.throwIfAborted();
      const loaded = await loadOne(transport, index, parts);
      total.documents += loaded.documents;
      total.refused += loaded.refused;
      total.retriedItems += loaded.retriedItems;
    }
  };
  await Promise.allSettled(chainsOf(plan).map((chain) => atOnce(() => loadChain(chain)).catch((error: unknown) => failure.abort(error))));
  failure.signal.throwIfAborted();
  return total;
}

/** Indices whose documents go through one data stream follow each other; all others stand alone. */
function chainsOf(plan: RestorePlan): IndexPlan[][] {
  const chains = Map.groupBy(
    plan.indices.filter(({ action }) => action !== "skip"),
    (index) => (index.loadThrough === "stream" ? `stream ${index.stream}` : `index ${index.number}`),
  );
  return [...chains.values()].map((chain) => chain.toSorted((left, right) => orderInStream(plan, left) - orderInStream(plan, right)));
}

function orderInStream(plan: RestorePlan, index: IndexPlan): number {
  const stream = plan.dataStreams.find(({ numbers }) => numbers.includes(index.number));
  return stream === undefined ? 0 : stream.numbers.indexOf(index.number);
}

async function loadOne(transport: SearchTransport, index: IndexPlan, parts: LoadDocumentsParts): Promise<LoadedDocuments> {
  const { snapshot, prepared } = parts;
  const { writeTo, operation, omitIds } = await prepared.loadTarget(index);
  const names = index.facts.shards.flatMap(({ streams }) => streams);
  const loaded = await loadIndex(
    transport,
    {
      index: writeTo,
      action: operation,
      omitIds,
      streams: names.map((name) => ({ name, lines: () => snapshot.stream(name) })),
      ordered: index.loadThrough === "stream",
    },
    parts,
  );
  const digest = formatDigest(loaded.digest, loaded.read);
  if (loaded.read !== index.facts.documents || digest !== index.facts.digest)
    throw new IncompleteError(
      `The snapshot's documents of index "${index.entry.name}" are not those that were backed up: ${loaded.read} with digest ${digest} instead of ${index.facts.documents} with ${index.facts.digest}`,
      { reason: "DocumentsDiffer" },
    );
  return loaded;
}
