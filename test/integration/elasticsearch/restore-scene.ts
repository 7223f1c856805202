import { assertRestorable } from "../../../functions/elasticsearch/assert-restorable.ts";
import type { ClusterCatalog, IndexEntry } from "../../../functions/elasticsearch/catalog.ts";
import { countDocuments } from "../../../functions/elasticsearch/count-documents.ts";
import { searchEndpoint } from "../../../functions/elasticsearch/endpoint.ts";
import { type FinishReport, finishTarget } from "../../../functions/elasticsearch/finish-target.ts";
import { type SearchServer as InspectedServer, inspectServer } from "../../../functions/elasticsearch/inspect-server.ts";
import { inspectTarget } from "../../../functions/elasticsearch/inspect-target.ts";
import { listIndices } from "../../../functions/elasticsearch/list-indices.ts";
import { type PlanParameters, planRestore, type RestorableSnapshot } from "../../../functions/elasticsearch/plan-restore.ts";
import { type PreparedTarget, prepareTarget } from "../../../functions/elasticsearch/prepare-target.ts";
import { readClusterCatalog } from "../../../functions/elasticsearch/read-cluster-catalog.ts";
import { readIndexEntries } from "../../../functions/elasticsearch/read-index-entries.ts";
import type { RestorePlan } from "../../../functions/elasticsearch/restore-plan.ts";
import type { IndexFacts } from "../../../functions/elasticsearch/snapshot-facts.ts";
import { SearchTransport } from "../../../functions/elasticsearch/transport.ts";
import { DatabaseRefusedError } from "../../../runner/errors.ts";
import type { Secret } from "../../../runner/function.ts";
import { askServer, askServerOk, type SearchServer } from "../../servers/search-server.ts";

export interface TakenHit {
  readonly _id: string;
  readonly _routing?: string;
  readonly _source: unknown;
}

/** A snapshot in memory: what the real one holds, and the documents of each index by its name. */
export interface TakenSnapshot extends RestorableSnapshot {
  readonly hits: ReadonlyMap<string, readonly TakenHit[]>;
}

export interface Restored {
  readonly plan: RestorePlan;
  readonly prepared: PreparedTarget;
  readonly report: FinishReport;
  readonly counted: number;
  readonly warnings: readonly string[];
}

const DEFAULTS: PlanParameters = { match: undefined, matchRegex: undefined, policy: "fail", rename: undefined, indicesOnly: false };

/** One server with what a restore uses of it; removes all that bears one of its names in the end. */
export class RestoreScene implements AsyncDisposable {
  readonly server: SearchServer;
  readonly prefix: string;
  readonly transport: SearchTransport;
  readonly inspected: InspectedServer;

  private constructor(server: SearchServer, parts: { prefix: string; transport: SearchTransport; inspected: InspectedServer }) {
    this.server = server;
    this.prefix = parts.prefix;
    this.transport = parts.transport;
    this.inspected = parts.inspected;
  }

  static async open(server: SearchServer, prefix: string): Promise<RestoreScene> {
    const url = new URL(server.url);
    const endpoint = searchEndpoint({
      description: server.url,
      scheme: url.protocol.slice(0, -1),
      host: url.hostname,
      port: Number(url.port),
      path: "",
      tls: { verify: true },
      credentials: new Map<string, Secret>(),
    });
    const transport = new SearchTransport(endpoint, { signal: new AbortController().signal, connections: 4, idleTimeoutMs: 60_000 });
    return new RestoreScene(server, { prefix, transport, inspected: await inspectServer(transport) });
  }

  /** `ask("PUT /x", body)`: must succeed. Resolves with the answer's JSON. */
  async ask(request: string, body?: unknown): Promise<unknown> {
    const text = typeof body === "string" ? body : body === undefined ? undefined : JSON.stringify(body);
    return JSON.parse((await askServerOk(this.server, request, text)).toString());
  }

  /** Writes documents and refreshes. */
  async write(target: string, documents: readonly { id?: string; routing?: string; source: unknown }[], action = "index"): Promise<void> {
    const lines = documents.flatMap(({ id, routing, source }) => [
      JSON.stringify({ [action]: { _id: id, routing } }),
      JSON.stringify(source),
    ]);
    const answer = (await this.ask(`POST /${target}/_bulk?refresh=true&pipeline=_none`, `${lines.join("\n")}\n`)) as { errors: boolean };
    if (answer.errors) throw new Error(`Documents were refused: ${JSON.stringify(answer)}`);
  }

  /** Everything whose name begins with the prefix, with all objects of the cluster that do. */
  async take(prefix = this.prefix): Promise<TakenSnapshot> {
    const listed = (await listIndices(this.transport, this.inspected)).filter(({ name, dataStream }) =>
      (dataStream ?? name).startsWith(prefix),
    );
    const closed = listed.filter(({ isClosed }) => isClosed);
    for (const { name } of closed) await this.ask(`POST /${name}/_open?wait_for_active_shards=1`);
    const entries = await readIndexEntries(this.transport, listed);
    const { catalog } = await readClusterCatalog(this.transport, this.inspected, { chosen: listed });
    const hits = new Map<string, readonly TakenHit[]>();
    for (const { name } of entries) hits.set(name, await this.hitsOf(name));
    for (const { name } of closed) await this.ask(`POST /${name}/_close`);
    return { catalog: ownOf(catalog, prefix), entries, hits, facts: factsOf(entries, hits) };
  }

  async hitsOf(index: string): Promise<TakenHit[]> {
    await this.ask(`POST /${index}/_refresh`);
    const answer = await this.ask(`POST /${index}/_search`, { size: 1000, query: { match_all: {} } });
    return (answer as { hits: { hits: TakenHit[] } }).hits.hits;
  }

  async plan(snapshot: RestorableSnapshot, parameters: Partial<PlanParameters> = {}): Promise<RestorePlan> {
    return planRestore(snapshot, await inspectTarget(this.transport, this.inspected), { ...DEFAULTS, ...parameters });
  }

  async prepare(plan: RestorePlan, warnings: string[] = []): Promise<PreparedTarget> {
    await assertRestorable(this.transport, this.inspected, plan);
    return prepareTarget(this.transport, this.inspected, plan, this.#options(warnings));
  }

  /** All steps of a restore, with a loader that is good enough for a few documents. */
  async restore(snapshot: TakenSnapshot, parameters: Partial<PlanParameters> = {}): Promise<Restored> {
    const warnings: string[] = [];
    const plan = await this.plan(snapshot, parameters);
    const prepared = await this.prepare(plan, warnings);
    for (const index of inOrder(plan)) {
      const { writeTo, operation, omitIds } = await prepared.loadTarget(index);
      const documents = (snapshot.hits.get(index.entry.name) ?? []).map(({ _id, _routing, _source }) =>
        omitIds ? { source: _source } : { id: _id, ...(_routing === undefined ? {} : { routing: _routing }), source: _source },
      );
      if (documents.length > 0) await this.write(writeTo, documents, operation);
    }
    const counted = await countDocuments(this.transport, plan, prepared);
    const report = await finishTarget(this.transport, this.inspected, plan, { ...this.#options(warnings), prepared });
    return { plan, prepared, report, counted, warnings };
  }

  #options(warnings: string[]) {
    const silent = () => {};
    return {
      log: { debug: silent, info: silent, warn: silent, error: silent },
      signal: new AbortController().signal,
      warn: (reason: string, message: string) => warnings.push(`${reason}: ${message}`),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { prefix } = this;
    const target = await inspectTarget(this.transport, this.inspected);
    for (const name of target.dataStreams.keys()) if (name.includes(prefix)) await askServer(this.server, `DELETE /_data_stream/${name}`);
    for (const name of target.indices.keys()) if (name.includes(prefix)) await askServer(this.server, `DELETE /${name}`);
    const paths = { indexTemplates: "_index_template", componentTemplates: "_component_template", legacyTemplates: "_template" } as const;
    for (const [kind, path] of [...Object.entries(paths), ["ingestPipelines", "_ingest/pipeline"], ["storedScripts", "_scripts"]] as const)
      for (const name of target.objects[kind as keyof typeof paths]?.keys() ?? [])
        if (name.includes(prefix)) await askServer(this.server, `DELETE /${path}/${name}`);
    await this.transport[Symbol.asyncDispose]();
  }
}

/** The refusal that a call ends with. */
export async function refusalOf(call: Promise<unknown>): Promise<DatabaseRefusedError> {
  try {
    await call;
  } catch (error) {
    if (error instanceof DatabaseRefusedError) return error;
    throw error;
  }
  throw new Error("Nothing was refused");
}

function inOrder(plan: RestorePlan): RestorePlan["indices"] {
  const order = (number: number) => plan.dataStreams.find(({ numbers }) => numbers.includes(number))?.numbers.indexOf(number) ?? 0;
  return plan.indices.filter(({ action }) => action !== "skip").toSorted((one, other) => order(one.number) - order(other.number));
}

function ownOf(catalog: ClusterCatalog, prefix: string): ClusterCatalog {
  return Object.fromEntries(
    Object.entries(catalog).map(([kind, objects]) => [
      kind,
      Object.fromEntries(Object.entries(objects as Record<string, unknown>).filter(([name]) => name.startsWith(prefix))),
    ]),
  ) as ClusterCatalog;
}

function factsOf(entries: readonly IndexEntry[], hits: TakenSnapshot["hits"]): RestorableSnapshot["facts"] {
  const indices = entries.map(({ name, uuid, source, dataStream }): IndexFacts => {
    if (source === "off") throw new Error(`${name} keeps no source`);
    const documents = hits.get(name)?.length ?? 0;
    return { name, uuid, source, documents, digest: "", shards: [], ...(dataStream === undefined ? {} : { dataStream }) };
  });
  return { indices, carried: {} };
}
