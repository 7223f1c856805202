import { type FaultyHttpProxy, type HttpFault, onFirst, type ProxiedRequest, startFaultyHttpProxy } from "../../fakes/faulty-http-proxy.ts";
import { askServer, askServerOk, type SearchServer } from "../../servers/search-server.ts";
import { uniqueName, useElasticsearch, useOpenSearch } from "../../servers/search-server-pool.ts";
import { diffIndices, type IndexContent, readAll } from "../../tools/search-equality.ts";
import { collect, fill, openReader } from "./reading.ts";

const SERVERS = [
  { name: "Elasticsearch 8.19.4", use: () => useElasticsearch("8.19.4") },
  { name: "OpenSearch 2.19.1", use: () => useOpenSearch("2.19.1") },
];
/** A page of a point in time, and not what keeps one alive. */
const PAGE = /^POST \/_search\?(?!.*filter_path)/;
const SCROLL_PAGE = /^POST \/_search\/scroll/;

const json = (status: number, body: unknown): HttpFault => ({
  ...{ kind: "answer", status, headers: { "content-type": "application/json" } },
  body: JSON.stringify(body),
});
const refusal = (status: number, type: string, reason = "injected") =>
  json(status, { error: { root_cause: [{ type, reason }], type, reason }, status });
const rewritten = (rewrite: (page: Page) => Page | undefined): HttpFault => ({
  kind: "rewrite answer",
  rewrite: (body) => {
    const page = JSON.parse(body.toString()) as Page;
    return JSON.stringify(rewrite(page) ?? page);
  },
});

interface Page {
  timed_out: boolean;
  terminated_early?: boolean;
  _shards: { total: number; successful: number; failed: number; failures?: unknown[] };
  hits: { total?: { value: number; relation: string }; hits: { _source?: unknown; sort: number[] }[] };
}

const failingShard = (type: string) =>
  rewritten((page) => {
    page._shards = {
      ...page._shards,
      successful: 0,
      failed: 1,
      failures: [{ shard: 0, index: "x", reason: { type, reason: "injected" } }],
    };
    page.hits.hits = [];
    return page;
  });

/** The fault for these pages, counted from 1. */
function onPages(fault: HttpFault, { from, to = Number.POSITIVE_INFINITY }: { from: number; to?: number }) {
  let nth = 0;
  return ({ method, url }: ProxiedRequest): HttpFault | undefined => {
    if (!PAGE.test(`${method} ${url}`)) return undefined;
    nth += 1;
    return nth >= from && nth <= to ? fault : undefined;
  };
}

describe.each(SERVERS)("$name", ({ use }) => {
  let server: SearchServer;
  let name: string;
  let before: IndexContent;
  beforeAll(async () => {
    server = await use();
    name = uniqueName("faults");
    const settings = { number_of_shards: 2, number_of_replicas: 0 };
    await askServerOk(server, `PUT /${name}`, JSON.stringify({ settings, mappings: { dynamic: false } }));
    await fill(server, name, 3_000);
    before = await readAll(server, name);
    // So that there are ten pages and more.
    await askServerOk(server, `PUT /${name}/_settings`, JSON.stringify({ "index.max_result_window": 300 }));
  });
  afterAll(async () => {
    await askServerOk(server, `DELETE /${name}`);
    await server[Symbol.asyncDispose]();
  });

  interface ReadOptions {
    readonly method?: "pit" | "scroll" | "auto";
    readonly patienceMs?: number;
    readonly idleTimeoutMs?: number;
  }

  async function readThrough(proxy: FaultyHttpProxy, { method = "auto", patienceMs = 20_000, idleTimeoutMs = 60_000 }: ReadOptions = {}) {
    await using reader = await openReader(proxy.endpoint, { idleTimeoutMs });
    await using cursors = await reader.open([name], { method, patienceMs });
    const collected = await collect(server, { cursors, name });
    return { ...collected, warnings: reader.warnings, logged: reader.logged, method: cursors.method };
  }

  test.each<[string, HttpFault]>([
    ["is lost with its connection", { kind: "lose answer" }],
    ["is cut in its head", { kind: "cut answer", afterBytes: 20 }],
    ["is cut in the middle of a hit", { kind: "cut answer", afterBytes: 30_011 }],
    ["stands still", { kind: "stall answer", afterBytes: 30_011 }],
    ["is a shorter text, whole for HTTP", { kind: "rewrite answer", rewrite: (body) => body.subarray(0, 30_011) }],
    [
      "is the error page of a gateway",
      { kind: "answer", status: 502, body: "<html>Bad gateway</html>", headers: { "content-type": "text/html" } },
    ],
    ["is the text of a gateway with a good status", { kind: "answer", status: 200, body: "<html>Welcome</html>" }],
    ["is a timeout of a gateway", { kind: "answer", status: 504, body: "" }],
    ["is a full queue", refusal(429, "es_rejected_execution_exception")],
    ["is full memory", refusal(429, "circuit_breaking_exception", "[parent] Data too large")],
    ["is an error inside the server", refusal(500, "transport_exception")],
    ["is an error with a good status", json(200, { error: { root_cause: [], type: "x_exception", reason: "y" }, status: 500 })],
    ["tells of a failed shard", failingShard("node_disconnected_exception")],
    ["tells of a shard with a full queue", failingShard("es_rejected_execution_exception")],
    ["ran out of time", rewritten((page) => ({ ...page, timed_out: true }))],
    ["was ended early", rewritten((page) => ({ ...page, terminated_early: true }))],
    ["is of no shard", rewritten((page) => ({ ...page, _shards: { ...page._shards, total: 0, successful: 0 } }))],
    ["holds a hit twice", rewritten((page) => void page.hits.hits.splice(1, 0, page.hits.hits[0] as never))],
  ])("a page whose answer %s is asked for again", async (_, fault) => {
    await using proxy = await startFaultyHttpProxy(server.port);
    proxy.break(onFirst(fault, PAGE, 3));

    const { content, logged } = await readThrough(proxy, { idleTimeoutMs: 1_000 });

    expect(diffIndices(before, content)).toEqual([]);
    expect(proxy.brokenRequests).toBe(3);
    expect(logged.filter((line) => line.includes("is repeated")).length).toBeGreaterThan(0);
  });

  test.each<[string, HttpFault, object]>([
    ["fails", failingShard("node_disconnected_exception"), { name: "DatabaseUnavailableError", reason: "ShardNotReadable" }],
    [
      "is refused for a full queue",
      refusal(429, "rejected_execution_exception"),
      { name: "DatabaseUnavailableError", reason: "DatabaseBusy" },
    ],
    ["is cut", { kind: "cut answer", afterBytes: 300 }, { name: "DatabaseUnavailableError" }],
    ["is no page", json(200, { ok: true }), { name: "IncompleteError", reason: "UnreadableAnswer" }],
    [
      "begins anew",
      rewritten(
        (page) =>
          void page.hits.hits.forEach((hit, n) => {
            hit.sort = [n];
          }),
      ),
      { name: "IncompleteError", reason: "UnreadableAnswer" },
    ],
    ["is forbidden", refusal(403, "security_exception"), { name: "DatabaseRefusedError", reason: "PermissionDenied" }],
  ])("a page that %s for ever fails by name", async (_, fault, error) => {
    await using proxy = await startFaultyHttpProxy(server.port);
    proxy.break(onPages(fault, { from: 4 }));

    const reading = readThrough(proxy, { patienceMs: 500 });

    await expect(reading).rejects.toMatchObject(error);
    expect(proxy.brokenRequests).toBeGreaterThan(0);
  });

  test.each<[string, (page: Page) => void]>([
    ["one document less", (page) => void page.hits.hits.splice(5, 1)],
    ["no document any more", (page) => void page.hits.hits.splice(0)],
  ])("a page with %s than it had fails the shard's count", async (_, change) => {
    await using proxy = await startFaultyHttpProxy(server.port);
    const cut = rewritten((page) => void change(page));
    proxy.break(onPages(cut, { from: 4, to: 4 }));

    const reading = readThrough(proxy);

    await expect(reading).rejects.toMatchObject({ name: "IncompleteError", reason: "CountsDiffer" });
    expect(proxy.brokenRequests).toBe(1);
  });

  test("a count that may be too low is no count", async () => {
    await using proxy = await startFaultyHttpProxy(server.port);
    proxy.break(
      onPages(
        rewritten((page) => ({ ...page, hits: { ...page.hits, total: { value: 9, relation: "gte" } } })),
        { from: 1 },
      ),
    );

    const reading = readThrough(proxy);

    await expect(reading).rejects.toMatchObject({ name: "IncompleteError", reason: "UnreadableAnswer" });
    expect(proxy.brokenRequests).toBeGreaterThan(0);
  });

  test("a document without its source fails the reading", async () => {
    await using proxy = await startFaultyHttpProxy(server.port);
    proxy.break(
      onFirst(
        rewritten((page) => void delete page.hits.hits[7]?._source),
        PAGE,
      ),
    );

    const reading = readThrough(proxy);

    await expect(reading).rejects.toMatchObject({
      name: "IncompleteError",
      reason: "SourceNotKept",
      message: expect.stringContaining(name),
    });
  });

  test.each<[string, HttpFault]>([
    ["no handler", json(400, { error: "no handler found for uri" })],
    ["another method", { kind: "answer", status: 405, body: "" }],
    ["a path that a proxy does not let through", json(403, { Message: "Your request is not allowed." })],
  ])("where a point in time is answered with %s, scrolls are used", async (_, fault) => {
    await using proxy = await startFaultyHttpProxy(server.port);
    proxy.break(onFirst(fault, /_pit|point_in_time/, 100));

    const { content, warnings, method } = await readThrough(proxy);

    expect(diffIndices(before, content)).toEqual([]);
    expect({ warnings, method }).toEqual({ warnings: ["NotOneInstant"], method: "scroll" });
  });

  test("a right that is missing for points in time is named, and no scroll used in their place", async () => {
    await using proxy = await startFaultyHttpProxy(server.port);
    proxy.break(onFirst(refusal(403, "security_exception"), /_pit|point_in_time/, 100));

    const reading = readThrough(proxy);

    await expect(reading).rejects.toMatchObject({ name: "DatabaseRefusedError", reason: "PermissionDenied" });
    expect(proxy.requests.filter((line) => line.includes("scroll"))).toEqual([]);
  });

  test("a scroll whose page is lost fails by name, because it cannot be asked twice", async () => {
    await using proxy = await startFaultyHttpProxy(server.port);
    proxy.break(onFirst({ kind: "lose answer" }, SCROLL_PAGE));

    const reading = readThrough(proxy, { method: "scroll" });

    await expect(reading).rejects.toMatchObject({ name: "DatabaseUnavailableError", reason: "CursorLost" });
  });

  test("a scroll whose first page is refused is opened once more", async () => {
    await using proxy = await startFaultyHttpProxy(server.port);
    proxy.break(onFirst(refusal(429, "es_rejected_execution_exception"), /_search\?.*scroll=/, 2));

    const { content, method } = await readThrough(proxy, { method: "scroll" });

    expect(diffIndices(before, content)).toEqual([]);
    expect({ method, broken: proxy.brokenRequests }).toEqual({ method: "scroll", broken: 2 });
  });

  test("a scroll whose first page was not good is closed as well", async () => {
    await using proxy = await startFaultyHttpProxy(server.port);
    const opened: unknown[] = [];
    const late = rewritten((page) => {
      opened.push(Reflect.get(page, "_scroll_id"));
      return { ...page, timed_out: true };
    });
    proxy.break(onFirst(late, /_search\?.*scroll=/, 2));

    const { content } = await readThrough(proxy, { method: "scroll" });

    expect(diffIndices(before, content)).toEqual([]);
    expect(opened).toHaveLength(2);
    for (const id of opened)
      expect(await askServer(server, "POST /_search/scroll", JSON.stringify({ scroll_id: id }))).toMatchObject({ status: 404 });
  });
});
