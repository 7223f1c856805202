import { BulkGate, type BulkGateOptions } from "../../../functions/elasticsearch/bulk-gate.ts";
import { searchEndpoint } from "../../../functions/elasticsearch/endpoint.ts";
import { loadIndex } from "../../../functions/elasticsearch/load-index.ts";
import type { LoadRequest, LoadResult, LoadStream } from "../../../functions/elasticsearch/load-request.ts";
import { Refusals } from "../../../functions/elasticsearch/refusals.ts";
import { SearchTransport } from "../../../functions/elasticsearch/transport.ts";
import { askServerOk, type SearchEndpoint } from "../../servers/search-server.ts";
import type { IndexContent } from "../../tools/search-equality.ts";
import { keyOf } from "../../tools/search-equality.ts";

export interface LoadTarget extends AsyncDisposable {
  readonly refusals: Refusals;
  readonly gate: BulkGate;
  /** What was logged, as JSON lines. */
  readonly logged: string[];
  load(request: Omit<LoadRequest, "action"> & Partial<LoadRequest>): Promise<LoadResult>;
}

export interface LoadTargetOptions extends Partial<BulkGateOptions> {
  readonly deadLetters?: string;
  readonly idleTimeoutMs?: number;
}

/** The loader before a real server, or a proxy in front of one. */
export async function openLoadTarget(url: string, options: LoadTargetOptions = {}): Promise<LoadTarget> {
  const { deadLetters, idleTimeoutMs = 60_000, ...gateOptions } = options;
  const { hostname, port } = new URL(url);
  const endpoint = searchEndpoint({
    ...{ description: url, scheme: "http", host: hostname, port: Number(port), path: "" },
    tls: { verify: true },
    credentials: new Map(),
  });
  const requests = gateOptions.requests ?? 2;
  const signal = new AbortController().signal;
  const transport = new SearchTransport(endpoint, { signal, connections: requests, idleTimeoutMs });
  const logged: string[] = [];
  const note = (message: string, fields?: unknown) => logged.push(JSON.stringify([message, fields]));
  const log = { debug: note, info: note, warn: note, error: note };
  const refusals = await Refusals.open(deadLetters);
  const gate = new BulkGate({ requests, log, ...gateOptions });
  const progress = () => undefined;
  return {
    refusals,
    gate,
    logged,
    load: (request) => loadIndex(transport, { action: "index", ...request }, { gate, refusals, signal, log, progress }),
    [Symbol.asyncDispose]: async () => {
      await refusals[Symbol.asyncDispose]();
      await transport[Symbol.asyncDispose]();
    },
  };
}

export interface HitDocument {
  readonly id: string;
  readonly routing?: string;
  readonly source: Buffer;
}

/** The documents as a stream of a snapshot holds them, in chunks that are cut anywhere. */
export function streamOf(
  documents: readonly HitDocument[],
  { name = "indices/0001/shard-0.ndjson", chunkBytes = 65_521 } = {},
): LoadStream {
  return {
    name,
    lines: async function* () {
      const text = Buffer.concat(documents.flatMap(hitLine));
      for (let at = 0; at < text.length; at += chunkBytes) yield text.subarray(at, at + chunkBytes);
    },
  };
}

/** So many documents of about 250 bytes with text, numbers and, every tenth, routing. */
export function documentsOf(count: number, prefix = "d"): HitDocument[] {
  return Array.from({ length: count }, (_, n) => ({
    id: `${prefix}${n}`,
    ...(n % 10 === 0 ? { routing: `r${n % 7}` } : {}),
    source: Buffer.from(`{"n":${n},"long":9223372036854775807, "float":1.0,"text":"${"äöü€ words ".repeat(10)}"}`),
  }));
}

/** What readAll() finds where they were loaded. */
export function contentOf(documents: readonly HitDocument[]): IndexContent {
  return new Map(documents.map(({ id, routing, source }) => [keyOf(id, routing), source]));
}

/** Creates an index, without replicas, and deletes it in the end. */
export async function createIndex(
  server: SearchEndpoint,
  name: string,
  body: { settings?: object; mappings?: object } = {},
): Promise<AsyncDisposable> {
  const settings = { number_of_shards: 2, number_of_replicas: 0, ...body.settings };
  await askServerOk(server, `PUT /${name}`, JSON.stringify({ mappings: { dynamic: false }, ...body, settings }));
  return {
    [Symbol.asyncDispose]: async () => {
      await askServerOk(server, `DELETE /${name}`);
    },
  };
}

export async function refresh(server: SearchEndpoint, index: string): Promise<void> {
  await askServerOk(server, `POST /${index}/_refresh`);
}

function hitLine({ id, routing, source }: HitDocument): Buffer[] {
  const head = JSON.stringify({ _index: "old", _id: id, _score: null, _routing: routing }).slice(0, -1);
  return [Buffer.from(`${head},"_source":`), source, Buffer.from(',"sort":[1]}\n')];
}
