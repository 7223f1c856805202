import { ELASTICSEARCH_VERSIONS } from "../../servers/elasticsearch-server.ts";
import { isAlive } from "../../servers/java-server.ts";
import { OPENSEARCH_VERSIONS, startOpenSearch } from "../../servers/opensearch-server.ts";
import { askServerOk } from "../../servers/search-server.ts";
import { useElasticsearch, useOpenSearch } from "../../servers/search-server-pool.ts";

const SERVERS = [
  ...ELASTICSEARCH_VERSIONS.map((version) => ({ name: `Elasticsearch ${version}`, version, use: () => useElasticsearch(version) })),
  ...OPENSEARCH_VERSIONS.map((version) => ({ name: `OpenSearch ${version}`, version, use: () => useOpenSearch(version) })),
];

test.each(SERVERS)("$name starts and answers its version", async ({ version, use }) => {
  await using server = await use();

  const nodes = await askServerOk(server, "GET /_nodes?filter_path=nodes.*.version");

  expect(Object.values(JSON.parse(nodes.toString()).nodes)).toEqual([{ version }]);
  expect(server.output()).toContain("started");
});

test("two nodes of OpenSearch form one cluster and die together", async () => {
  await using server = await startOpenSearch({ version: "2.19.1", nodes: 2 });

  const nodes = await askServerOk(server, "GET /_cat/nodes?h=name");
  const names = nodes.toString().trim().split("\n").sort();
  await server.kill();

  expect(names).toEqual(["Node 1", "Node 2"]);
  expect(isAlive({ group: server.pid, directory: server.directory })).toBe(false);
});
