// What each real server says of itself, and how it refuses.
import { searchEndpoint } from "../../../functions/elasticsearch/endpoint.ts";
import { inspectServer } from "../../../functions/elasticsearch/inspect-server.ts";
import { faultOf } from "../../../functions/elasticsearch/server-error.ts";
import { pathOf, SearchTransport } from "../../../functions/elasticsearch/transport.ts";
import { ELASTICSEARCH_VERSIONS } from "../../servers/elasticsearch-server.ts";
import { OPENSEARCH_VERSIONS, startOpenSearch } from "../../servers/opensearch-server.ts";
import type { SearchServer } from "../../servers/search-server.ts";
import { uniqueName, useElasticsearch, useOpenSearch } from "../../servers/search-server-pool.ts";

const SERVERS = [
  ...ELASTICSEARCH_VERSIONS.map((version) => ({ flavour: "elasticsearch", version, use: () => useElasticsearch(version) })),
  ...OPENSEARCH_VERSIONS.map((version) => ({ flavour: "opensearch", version, use: () => useOpenSearch(version) })),
];

test.each(SERVERS)("$flavour $version is known, with its cluster", async ({ flavour, version, use }) => {
  await using server = await use();
  await using transport = open(server);

  const inspected = await inspectServer(transport);

  expect(inspected).toMatchObject({ flavour, version, dataNodes: 1, clusterName: expect.stringMatching(/./) });
  expect(inspected.id).toMatch(/^[\w-]{22}$/);
});

test.each(SERVERS)("$flavour $version refuses in words that are understood", async ({ use }) => {
  await using server = await use();
  await using transport = open(server);
  const index = uniqueName("refusal");
  await transport.json({ method: "PUT", path: pathOf(index), body: { mappings: { properties: { n: { type: "integer" } } } } });
  const ask = (method: "GET" | "POST" | "PUT" | "DELETE", path: string, body?: unknown) =>
    transport.json({ method, path, ...(body === undefined ? {} : { body }) }).catch((error: unknown) => error);

  const missing = await ask("GET", "/no-such-index/_search");
  const existing = await ask("PUT", pathOf(index), {});
  const value = "private words ".repeat(100);
  const document = await ask("PUT", pathOf(index, "_doc", "1"), { n: value });
  const long = await ask("GET", `${pathOf(index, "_doc")}/${"x".repeat(8_000)}`);
  const unknownApi = await ask("POST", "/_no_such_api/x/y/z", {});
  await transport.json({ method: "PUT", path: pathOf(index, "_settings"), body: { "index.blocks.write": true } });
  const blocked = await ask("PUT", pathOf(index, "_doc", "2"), { n: 1 });
  await transport.json({ method: "DELETE", path: pathOf(index) });

  expect([faultOf(missing), faultOf(existing), faultOf(document), faultOf(blocked)]).toMatchObject([
    { status: 404, type: "index_not_found_exception" },
    { status: 400, type: "resource_already_exists_exception" },
    { status: 400, type: expect.stringMatching(/^(mapper|document)_parsing_exception$/) },
    { status: 403, type: "cluster_block_exception" },
  ]);
  expect(blocked).toMatchObject({ reason: "IndexBlocked", exitCode: 21 });
  expect((document as Error).message.length).toBeLessThan(500);
  expect(long).toMatchObject({ reason: "RequestTooLarge", exitCode: 21 });
  expect([400, 405]).toContain(faultOf(unknownApi)?.status);
});

test.each(SERVERS)("$flavour $version takes a DELETE with a body, and the connection goes on", async ({ flavour, use }) => {
  await using server = await use();
  await using transport = open(server, { connections: 1 });
  const index = uniqueName("pit");
  await transport.json({ method: "PUT", path: pathOf(index), body: { settings: { number_of_replicas: 0 } } });
  const [path, close] = flavour === "opensearch" ? ["_search/point_in_time", "pit_id"] : ["_pit", "id"];
  const pit = await transport.json({ method: "POST", path: `/${index}/${path}`, query: { keep_alive: "1m" } });
  const id = Object.values(pit.json as Record<string, string>).find((each) => typeof each === "string") as string;

  const closed = await transport.json({ method: "DELETE", path: `/${path}`, body: { [close]: flavour === "opensearch" ? [id] : id } });
  const after = await transport.json({ method: "DELETE", path: pathOf(index) });

  expect([closed.status, after.status]).toEqual([200, 200]);
});

test("an OpenSearch that calls itself 7.10.2 for older clients is seen through", async () => {
  // Its own: others in the pool would take it for that version, too.
  await using server = await startOpenSearch({ version: "2.19.1" });
  await using transport = open(server);
  const set = (value: boolean | null) =>
    transport.json({
      method: "PUT",
      path: "/_cluster/settings",
      body: { persistent: { "compatibility.override_main_response_version": value } },
    });

  await set(true);
  const root = await transport.json({ method: "GET", path: "/" });
  const inspected = await inspectServer(transport);
  await set(null);

  expect(root.json).toMatchObject({ version: { number: "7.10.2" } });
  expect(inspected).toMatchObject({ flavour: "opensearch", version: "2.19.1" });
});

function open(server: SearchServer, options: { readonly connections?: number } = {}): SearchTransport {
  const url = new URL(server.url);
  const place = { scheme: "http", host: url.hostname, port: server.port, path: "" };
  const endpoint = searchEndpoint({ description: server.url, ...place, tls: { verify: true }, credentials: new Map() });
  return new SearchTransport(endpoint, { signal: new AbortController().signal, connections: 2, idleTimeoutMs: 60_000, ...options });
}
