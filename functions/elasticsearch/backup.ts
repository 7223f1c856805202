import pLimit from "p-limit";
import type { BackupContext, BackupFunction, BackupResult, ParametersOf } from "../../runner/function.ts";
import { CLUSTER_STREAM, INDICES_STREAM, type IndexEntry } from "./catalog.ts";
import { checkSource } from "./check-source.ts";
import { searchEndpoint } from "./endpoint.ts";
import { formatExactJson } from "./exact-json.ts";
import type { SearchServer } from "./inspect-server.ts";
import { OpenedIndices } from "./open-closed-indices.ts";
import { esBackupParameters } from "./parameters.ts";
import { assertWholeView } from "./partial-view.ts";
import { readClusterCatalog } from "./read-cluster-catalog.ts";
import { ReadLimit } from "./read-limit.ts";
import { type SettledIndices, settleIndices } from "./settle-indices.ts";
import type { IndexFacts, SnapshotFacts } from "./snapshot-facts.ts";
import { esBackupStashCommand } from "./stash-command.ts";
import { SearchTransport } from "./transport.ts";
import { indicesOfBase, isUnchanged } from "./unchanged-index.ts";
import { waitUntilReady } from "./wait-until-ready.ts";
import { reuseIndex, writeIndex } from "./write-index.ts";

type Context = BackupContext<ParametersOf<typeof esBackupParameters>>;

/** Reads every index by cursors that were opened together, and everything around the documents; accepted only when every shard gave as many lines as it counts. */
export const esBackup: BackupFunction<typeof esBackupParameters> = {
  kind: "backup",
  name: "es-backup",
  engine: "elasticsearch",
  summary: "Back up the indices of an Elasticsearch or OpenSearch as of one point in time",
  parameters: esBackupParameters,
  usesBase: true,
  judge: (database) => ({ usesTls: searchEndpoint(database).tls !== undefined }),
  check: checkSource,
  run: backUp,
  stash: esBackupStashCommand,
};

const MOST_BY_DEFAULT = 4;
/** For all that is no page of documents: keeping cursors alive, and closing them. */
const OTHER_CONNECTIONS = 2;
/** Enough to keep all shards busy that may be read at once, when each index has but one. */
const INDICES_AT_ONCE = 8;

async function backUp(context: Context): Promise<BackupResult> {
  const { parameters } = context;
  const endpoint = searchEndpoint(context.database);
  for (const { reason, message } of endpoint.notices) context.warn(reason, message);
  const connections = (parameters.concurrency ?? MOST_BY_DEFAULT) + OTHER_CONNECTIONS;
  // The first failure ends whatever else is being read.
  const failure = new AbortController();
  const signal = AbortSignal.any([context.signal, failure.signal]);
  await using transport = new SearchTransport(endpoint, { signal, connections, idleTimeoutMs: parameters.idleTimeoutMs });
  const server = await waitUntilReady(transport, context);
  await using opened = new OpenedIndices(transport, context);
  const settled = await settleIndices(transport, server, {
    ...context,
    ...parameters,
    parameters,
    signal,
    open: (indices) => opened.open(indices),
  });
  await using cursors = settled.cursors;
  await assertWholeView(transport, settled.chosen);
  const { catalog, notCarried } = await readClusterCatalog(transport, server, { chosen: settled.chosen });
  context.log.info("Reading begins", {
    flavour: server.flavour,
    version: server.version,
    indices: settled.entries.length,
    by: cursors.method,
  });
  const indices = await writeIndices(settled, { context, server, failure });
  await writeText(context, CLUSTER_STREAM, `${formatExactJson(catalog)}\n`);
  await writeText(context, INDICES_STREAM, settled.entries.map((entry) => `${formatExactJson(entry)}\n`).join(""));
  const carried = Object.fromEntries(Object.entries(catalog).map(([kind, objects]) => [kind, Object.keys(objects).sort()]));
  return {
    server: { flavour: server.flavour, version: server.version, id: server.id },
    consistency: {
      method: cursors.method,
      openedFrom: cursors.openedFrom.toISOString(),
      openedUntil: cursors.openedUntil.toISOString(),
    },
    facts: { indices, carried } satisfies SnapshotFacts,
    counts: {
      indices: indices.length,
      documents: indices.reduce((sum, { documents }) => sum + documents, 0),
      unchangedIndices: indices.filter(({ unchangedSince }) => unchangedSince !== undefined).length,
    },
    notCarried: [...settled.notCarried, ...notCarried],
  };
}

interface Work {
  readonly context: Context;
  readonly server: SearchServer;
  readonly failure: AbortController;
}

/** Facts in the order of the entries. */
async function writeIndices(settled: SettledIndices, { context, server, failure }: Work): Promise<IndexFacts[]> {
  const { snapshot, parameters } = context;
  const limit = new ReadLimit(parameters.concurrency ?? Math.min(MOST_BY_DEFAULT, Math.max(1, 2 * server.dataNodes)));
  const older = parameters.full ? new Map<string, IndexFacts>() : indicesOfBase(snapshot.base);
  const { cursors } = settled;
  let [items, bytes] = [0, 0];
  const onPage = (documents: number, size: number) => {
    items += documents;
    bytes += size;
    context.progress({ phase: "documents", items, bytes });
  };
  const write = async (entry: IndexEntry, at: number): Promise<IndexFacts> => {
    failure.signal.throwIfAborted();
    const index = { entry, number: at + 1, marks: settled.marksBefore.get(entry.name) };
    const before = older.get(entry.uuid);
    if (before === undefined || !isUnchanged(entry, before, settled.marksAfter.get(entry.name)))
      return writeIndex(index, { cursors, limit, snapshot, onPage });
    context.log.debug("The index is unchanged", { index: entry.name });
    await cursors.close(entry.name);
    return reuseIndex(index, before, snapshot);
  };
  const atOnce = pLimit(INDICES_AT_ONCE);
  const outcomes = await Promise.allSettled(
    settled.entries.map((entry, at) =>
      atOnce(() => write(entry, at)).catch((error: unknown) => {
        failure.abort(error);
        throw error;
      }),
    ),
  );
  failure.signal.throwIfAborted();
  return outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
}

async function writeText({ snapshot }: Context, name: string, text: string): Promise<void> {
  const stream = snapshot.stream(name, { mediaType: name.endsWith(".json") ? "application/json" : "application/x-ndjson" });
  await stream.write(Buffer.from(text));
  await stream.finish();
}
