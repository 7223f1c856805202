import { HoldfastError } from "../../runner/errors.ts";
import type { ParametersOf, RestoreContext, RestoreFunction, RestoreResult } from "../../runner/function.ts";
import { assertRestorable } from "./assert-restorable.ts";
import { assertStillThere } from "./assert-still-there.ts";
import { assertStored } from "./assert-stored.ts";
import { BulkGate } from "./bulk-gate.ts";
import { checkTarget } from "./check-target.ts";
import { countDocuments } from "./count-documents.ts";
import { searchEndpoint } from "./endpoint.ts";
import { finishTarget } from "./finish-target.ts";
import type { SearchServer } from "./inspect-server.ts";
import { inspectTarget } from "./inspect-target.ts";
import { loadDocuments } from "./load-documents.ts";
import { esRestoreParameters } from "./parameters.ts";
import { planRestore } from "./plan-restore.ts";
import { type PreparedTarget, prepareTarget } from "./prepare-target.ts";
import { ReadLimit } from "./read-limit.ts";
import { readRestorable } from "./read-restorable.ts";
import { Refusals } from "./refusals.ts";
import type { RestorePlan } from "./restore-plan.ts";
import { esRestoreStashCommand } from "./stash-command.ts";
import { SearchTransport } from "./transport.ts";
import { verifyRestored } from "./verify-restored.ts";
import { waitUntilReady } from "./wait-until-ready.ts";

type Context = RestoreContext<ParametersOf<typeof esRestoreParameters>>;

/** Creates indices, loads their documents, counts them, and puts back everything around them; one document that is refused fails the restore. */
export const esRestore: RestoreFunction<typeof esRestoreParameters> = {
  kind: "restore",
  name: "es-restore",
  engine: "elasticsearch",
  summary: "Restore a snapshot into an Elasticsearch or OpenSearch",
  parameters: esRestoreParameters,
  judge: (database) => ({ usesTls: searchEndpoint(database).tls !== undefined }),
  check: checkTarget,
  run: restore,
  stash: esRestoreStashCommand,
};

const MOST_REQUESTS_BY_DEFAULT = 8;
const OTHER_CONNECTIONS = 2;
const VERIFY_KEEP_ALIVE_MS = 300_000;
const SHARDS_VERIFIED_AT_ONCE = 2;

async function restore(context: Context): Promise<RestoreResult> {
  const { parameters } = context;
  const snapshot = await readRestorable(context.snapshot);
  const endpoint = searchEndpoint(context.database);
  for (const { reason, message } of endpoint.notices) context.warn(reason, message);
  // The first failure ends whatever else is being loaded.
  const failure = new AbortController();
  const signal = AbortSignal.any([context.signal, failure.signal]);
  const connections = (parameters.concurrency ?? MOST_REQUESTS_BY_DEFAULT) + OTHER_CONNECTIONS;
  await using transport = new SearchTransport(endpoint, { signal, connections, idleTimeoutMs: parameters.idleTimeoutMs });
  const server = await waitUntilReady(transport, context);
  const plan = planRestore(snapshot, await inspectTarget(transport, server), parameters);
  for (const { reason, message } of plan.notes) context.warn(reason, message);
  await assertRestorable(transport, server, plan);
  await assertStored(context.snapshot, plan);
  await using refusals = await Refusals.open(parameters.deadLetters);
  const prepared = await prepareTarget(transport, server, plan, { ...context, signal });
  try {
    return await fill({ context, transport, server, plan, prepared, refusals, failure, signal });
  } catch (error) {
    throw tellWhatIsLeft(error, prepared);
  }
}

interface Target {
  readonly context: Context;
  readonly transport: SearchTransport;
  readonly server: SearchServer;
  readonly plan: RestorePlan;
  readonly prepared: PreparedTarget;
  readonly refusals: Refusals;
  readonly failure: AbortController;
  readonly signal: AbortSignal;
}

async function fill(target: Target): Promise<RestoreResult> {
  const { context, transport, server, plan, prepared, refusals, signal } = target;
  const loaded = await load(target);
  await refusals.close();
  await assertStillThere(transport, prepared);
  if (refusals.count === 0) await countDocuments(transport, plan, prepared);
  const verified = context.parameters.verifyRestored && refusals.count === 0 ? await verify(target) : undefined;
  const finished = await finishTarget(transport, server, plan, { ...context, signal, prepared });
  // Only now: what was taken is as usable as it can be.
  refusals.assertNone(transport.description);
  const by = (action: string) => plan.indices.filter((index) => index.action === action).length;
  return {
    counts: {
      documents: loaded.documents,
      indices: by("create") + by("replace"),
      replaced: by("replace"),
      skipped: by("skip"),
      ...finished.counts,
      ...(verified === undefined ? {} : { verifiedByDigest: verified.byDigest, verifiedByCount: verified.byCount }),
    },
    facts: {
      policy: context.parameters.policy,
      notes: plan.notes,
      retriedItems: loaded.retriedItems,
      indices: plan.indices.map(({ entry, target: name, action, facts }) => ({
        name: entry.name,
        ...(name === entry.name ? {} : { restoredAs: name }),
        action,
        documents: facts.documents,
      })),
    },
  };
}

function load({ context, transport, server, plan, prepared, refusals, failure, signal }: Target) {
  const { log, parameters, snapshot } = context;
  const requests = parameters.concurrency ?? Math.min(MOST_REQUESTS_BY_DEFAULT, Math.max(2, 2 * server.dataNodes));
  const gate = new BulkGate({ requests, log });
  const totalItems = plan.indices.reduce((sum, { action, facts }) => sum + (action === "skip" ? 0 : facts.documents), 0);
  let [items, bytes] = [0, 0];
  const progress = (accepted: { documents: number; bytes: number }) => {
    items += accepted.documents;
    bytes += accepted.bytes;
    context.progress({ phase: "documents", items, totalItems, bytes });
  };
  return loadDocuments(transport, plan, { gate, refusals, signal, log, progress, snapshot, prepared, failure });
}

function verify({ context, transport, server, plan, prepared, signal }: Target) {
  const { log, warn } = context;
  let [items, bytes] = [0, 0];
  const onPage = (documents: number, size: number) => {
    items += documents;
    bytes += size;
    context.progress({ phase: "reading back", items, bytes });
  };
  const limit = new ReadLimit(SHARDS_VERIFIED_AT_ONCE);
  const options = { method: "auto", keepAliveMs: VERIFY_KEEP_ALIVE_MS, signal, log, warn, limit, onPage } as const;
  return verifyRestored(transport, server, { plan, prepared, options });
}

/** The error stays the same object, with its own message; its facts say what a person finds in the target. */
function tellWhatIsLeft(error: unknown, { created }: PreparedTarget): unknown {
  if (!(error instanceof HoldfastError) || created.length === 0) return error;
  const hint = error.hint ?? "The indices that were created are not complete: restore again with --policy replace, or delete them";
  return Object.assign(error, { facts: { ...error.facts, createdIndices: created }, hint });
}
