import { searchEndpoint } from "../../../functions/elasticsearch/endpoint.ts";
import { inspectServer, type SearchServer } from "../../../functions/elasticsearch/inspect-server.ts";
import { type CursorOptions, type Cursors, openCursors } from "../../../functions/elasticsearch/open-cursors.ts";
import { type IndexReading, type ReadOptions, readIndex } from "../../../functions/elasticsearch/read-index.ts";
import { ReadLimit } from "../../../functions/elasticsearch/read-limit.ts";
import { SearchTransport } from "../../../functions/elasticsearch/transport.ts";
import { askServer, askServerOk, type SearchEndpoint } from "../../servers/search-server.ts";
import { membersAt, type Span } from "../../tools/json-spans.ts";
import { type IndexContent, keyOf } from "../../tools/search-equality.ts";

export interface Reader extends AsyncDisposable {
  readonly transport: SearchTransport;
  readonly server: SearchServer;
  /** Stops the run. */
  readonly abort: AbortController;
  /** Reasons of all warnings. */
  readonly warnings: string[];
  /** What was logged, as JSON lines. */
  readonly logged: string[];
  open(names: readonly string[], options?: Partial<CursorOptions>): Promise<Cursors>;
}

/** The reading half before a real server, or a proxy in front of one. */
export async function openReader(url: string, { idleTimeoutMs = 60_000 } = {}): Promise<Reader> {
  const { hostname, port } = new URL(url);
  const endpoint = searchEndpoint({
    ...{ description: url, scheme: "http", host: hostname, port: Number(port), path: "" },
    tls: { verify: true },
    credentials: new Map(),
  });
  const abort = new AbortController();
  const transport = new SearchTransport(endpoint, { signal: abort.signal, connections: 6, idleTimeoutMs });
  const server = await inspectServer(transport);
  const [warnings, logged]: string[][] = [[], []];
  const note = (message: string, fields?: unknown) => logged?.push(JSON.stringify([message, fields]));
  const common = {
    method: "auto" as const,
    keepAliveMs: 60_000,
    signal: abort.signal,
    log: { debug: note, info: note, warn: note, error: note },
    warn: (reason: string) => void warnings?.push(reason),
  };
  return {
    ...{ transport, server, abort, warnings: warnings ?? [], logged: logged ?? [] },
    open: (names, options) => openCursors(transport, server, { ...common, ...options, names }),
    [Symbol.asyncDispose]: () => transport[Symbol.asyncDispose](),
  };
}

export interface Collected {
  readonly reading: IndexReading;
  readonly content: IndexContent;
  /** Shard and part of each target, with what it was given and told. */
  readonly targets: readonly CollectedTarget[];
  readonly pages: number;
}

export interface CollectedTarget {
  readonly shard: number;
  readonly part: number | undefined;
  readonly keys: string[];
  documents: number | undefined;
}

export interface CollectOptions {
  readonly limit?: ReadLimit;
  /** Before each page is taken. */
  onWrite?(written: number): Promise<void> | void;
}

/** Reads an index into memory; fails when a document comes twice. */
export async function collect(server: SearchEndpoint, { cursors, name }: { cursors: Cursors; name: string }, options: CollectOptions = {}) {
  const settings = await settingsOf(server, name);
  const content = new Map<string, Buffer>();
  const targets: CollectedTarget[] = [];
  let pages = 0;
  const openTarget: ReadOptions["openTarget"] = (shard, part) => {
    const target: CollectedTarget = { shard, part, keys: [], documents: undefined };
    targets.push(target);
    return {
      write: async (lines) => {
        pages += 1;
        await options.onWrite?.(content.size);
        for (const { key, source } of readLines(lines)) {
          if (content.has(key)) throw new Error(`${key} came twice`);
          content.set(key, source);
          target.keys.push(key);
        }
      },
      finish: async (documents) => {
        target.documents = documents;
      },
    };
  };
  const reading = await readIndex(cursors, { name, settings }, { limit: options.limit ?? new ReadLimit(2), openTarget });
  return { reading, content, targets, pages } satisfies Collected;
}

export async function settingsOf(server: SearchEndpoint, name: string): Promise<Record<string, unknown>> {
  const answer = JSON.parse((await askServerOk(server, `GET /${encodeURIComponent(name)}/_settings?flat_settings=true`)).toString());
  return answer[name].settings;
}

/** Points in time and scrolls that are open on the server; of a server that is nobody else's. */
export async function countContexts(server: SearchEndpoint): Promise<number> {
  const { nodes } = JSON.parse((await askServerOk(server, "GET /_nodes/stats/indices/search")).toString()) as {
    nodes: Record<string, { indices: { search: { open_contexts: number } } }>;
  };
  return Object.values(nodes).reduce((sum, { indices }) => sum + indices.search.open_contexts, 0);
}

/** Resolves when none is open any more: the server closes one that is in use when it is not. Rejects after 5 s, long before any expires. */
export async function waitUntilClosed(server: SearchEndpoint): Promise<void> {
  for (const deadline = Date.now() + 5_000; ; ) {
    const open = await countContexts(server);
    if (open === 0) return;
    if (Date.now() > deadline) throw new Error(`${open} cursors are still open`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Creates an index without replicas, and deletes it in the end if it is still there. */
export async function makeIndex(server: SearchEndpoint, name: string, settings: object = {}): Promise<AsyncDisposable> {
  const body = { settings: { number_of_shards: 2, number_of_replicas: 0, ...settings }, mappings: { dynamic: false } };
  await askServerOk(server, `PUT /${name}`, JSON.stringify(body));
  return {
    [Symbol.asyncDispose]: async () => {
      await askServer(server, `DELETE /${name}`).catch(() => undefined);
    },
  };
}

export interface FillOptions {
  readonly from?: number;
  readonly bytes?: number;
  readonly refresh?: boolean;
}

/** Writes the documents d0, d1, … anew, of so many bytes each. */
export async function fill(
  server: SearchEndpoint,
  name: string,
  count: number,
  { from = 0, bytes = 200, refresh = true }: FillOptions = {},
) {
  const at = Math.max(1, Math.min(2_000, Math.floor(5_000_000 / bytes)));
  for (let first = from; first < from + count; first += at) {
    const numbers = Array.from({ length: Math.min(at, from + count - first) }, (_, offset) => first + offset);
    const lines = numbers.map((n) => `{"index":{"_id":"d${n}"}}\n{"n":${n},"float":1.0, "pad":"${padding(n, bytes)}"}\n`);
    const answer = await askServerOk(server, `POST /${name}/_bulk`, lines.join(""));
    if ((JSON.parse(answer.toString()) as { errors: boolean }).errors) throw new Error("the server refused a document");
  }
  if (refresh) await askServerOk(server, `POST /${name}/_refresh`);
}

/** Does not compress well. */
function padding(n: number, bytes: number): string {
  let text = "";
  for (let state = n + 1; text.length < bytes; ) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    text += state.toString(36);
  }
  return text.slice(0, bytes);
}

function* readLines(lines: Uint8Array): Generator<{ key: string; source: Buffer }> {
  const text = Buffer.from(lines).toString("latin1");
  if (!text.endsWith("\n")) throw new Error("the last line has no end");
  for (const line of text.slice(0, -1).split("\n")) {
    const members = membersAt(line, 0);
    const part = ({ start, end }: Span) => Buffer.from(line.slice(start, end), "latin1");
    const word = (span: Span | undefined) => (span === undefined ? undefined : (JSON.parse(part(span).toString()) as string));
    const [id, source] = [members.get("_id"), members.get("_source")];
    if (id === undefined || source === undefined) throw new Error(`no document: ${line.slice(0, 100)}`);
    yield { key: keyOf(word(id) as string, word(members.get("_routing"))), source: part(source) };
  }
}
