import { ELASTICSEARCH_VERSIONS, OLD_ELASTICSEARCH_VERSIONS, startElasticsearch } from "../../servers/elasticsearch-server.ts";
import { isAlive } from "../../servers/java-server.ts";
import { OLD_OPENSEARCH_VERSIONS, OPENSEARCH_VERSIONS, startOpenSearch } from "../../servers/opensearch-server.ts";
import { askServer, askServerOk } from "../../servers/search-server.ts";
import { uniqueName, useElasticsearch, useOpenSearch } from "../../servers/search-server-pool.ts";
import { fillIndex, REALISTIC_MAPPINGS } from "../../tools/search-dataset.ts";
import { describeIndex, diffIndices, fingerprint, readAll } from "../../tools/search-equality.ts";
import {
  NASTY_INDEX,
  nastyDocuments,
  putDocuments,
  rawByteDocuments,
  storedContent,
  unreadableDocument,
  unsearchableDocument,
} from "../../tools/search-nasty-documents.ts";
import { JOIN_INDEX, joinDocuments, NESTED_INDEX, nestedDocuments } from "../../tools/search-related-documents.ts";

const SERVERS = [
  ...ELASTICSEARCH_VERSIONS.map((version) => ({ name: `Elasticsearch ${version}`, version, use: () => useElasticsearch(version) })),
  ...OPENSEARCH_VERSIONS.map((version) => ({ name: `OpenSearch ${version}`, version, use: () => useOpenSearch(version) })),
];

const OLD_SERVERS = [
  ...OLD_ELASTICSEARCH_VERSIONS.map((version) => ({ name: `Elasticsearch ${version}`, version, use: () => useElasticsearch(version) })),
  ...OLD_OPENSEARCH_VERSIONS.map((version) => ({ name: `OpenSearch ${version}`, version, use: () => useOpenSearch(version) })),
];

test.each([...SERVERS, ...OLD_SERVERS])("$name starts and answers its version", async ({ version, use }) => {
  await using server = await use();

  const nodes = await askServerOk(server, "GET /_nodes?filter_path=nodes.*.version");

  expect(Object.values(JSON.parse(nodes.toString()).nodes)).toEqual([{ version }]);
  expect(server.output()).not.toBe("");
});

test("two nodes of OpenSearch form one cluster and die together", async () => {
  await using server = await startOpenSearch({ version: "2.19.1", nodes: 2 });

  const nodes = await askServerOk(server, "GET /_cat/nodes?h=name");
  const names = nodes.toString().trim().split("\n").sort();
  await server.kill();

  expect(names).toEqual(["Node 1", "Node 2"]);
  expect(isAlive({ group: server.pid, directory: server.directory })).toBe(false);
});

test.each(OLD_SERVERS)("$name knows no points in time", async ({ use }) => {
  await using server = await use();
  const index = uniqueName("old");
  await fillIndex(server, index, { documents: 10 });

  const elasticsearch = await askServer(server, `POST /${index}/_pit?keep_alive=1m`);
  const opensearch = await askServer(server, `POST /${index}/_search/point_in_time?keep_alive=1m`);
  const found = await readAll(server, index);
  await askServerOk(server, `DELETE /${index}`);

  expect([elasticsearch.status, opensearch.status].every((status) => status === 400 || status === 405)).toBe(true);
  expect(found.size).toBe(10);
});

test.each(SERVERS)("$name keeps every byte of the nasty documents, and they are read back so", async ({ use }) => {
  await using server = await use();
  const index = uniqueName("nasty");
  const documents = [...nastyDocuments(), ...rawByteDocuments()];

  await askServerOk(server, `PUT /${index}`, JSON.stringify(NASTY_INDEX));
  await putDocuments(server, index, documents);
  const found = await readAll(server, index);
  await askServerOk(server, `DELETE /${index}`);

  expect(diffIndices(storedContent(documents), found)).toEqual([]);
});

test.each(SERVERS)("$name answers with no JSON when a source ends within a comment", async ({ use }) => {
  await using server = await use();
  const index = uniqueName("comment");

  await putDocuments(server, index, [unreadableDocument()]);
  const reading = readAll(server, index);

  await expect(reading).rejects.toThrow("No ");
  await askServerOk(server, `DELETE /${index}`);
});

test.each(["8.19.4", "9.2.8"] as const)(
  "Elasticsearch %s takes a source that begins with a comment, and can search for it no more",
  async (version) => {
    await using server = await useElasticsearch(version);
    const index = uniqueName("comment");

    await putDocuments(server, index, [unsearchableDocument(), ...nestedDocuments()]);
    const reading = readAll(server, index);

    await expect(reading).rejects.toThrow(/socket hang up|ECONNRESET|500/);
    await askServerOk(server, `DELETE /${index}`);
  },
);

test("an index is filled with as many documents as were asked for, and two of one seed are equal", async () => {
  await using server = await useElasticsearch("8.19.4");
  const [one, two, other] = [uniqueName("one"), uniqueName("two"), uniqueName("other")];

  await fillIndex(server, one, { documents: 2_500, shards: 2, seed: 3, mappings: REALISTIC_MAPPINGS });
  await fillIndex(server, two, { documents: 2_500, seed: 3 });
  await fillIndex(server, other, { documents: 2_500, seed: 4 });
  const contents = [await readAll(server, one), await readAll(server, two)] as const;
  const prints = await Promise.all([one, two, other].map((index) => fingerprint(server, index)));
  const description = await describeIndex(server, one);
  for (const index of [one, two, other]) await askServerOk(server, `DELETE /${index}`);

  expect(contents[0].size).toBe(2_500);
  expect(diffIndices(...contents)).toEqual([]);
  expect(prints.map(({ count }) => count)).toEqual([2_500, 2_500, 2_500]);
  expect(prints[0]).toEqual(prints[1]);
  expect(prints[0]).not.toEqual(prints[2]);
  expect(description).toMatchObject({ settings: { "index.number_of_shards": "2" }, mappings: { dynamic: "false" }, aliases: {} });
  expect(description.settings).not.toHaveProperty(["index.uuid"]);
});

test("filling an index whose mapping refuses a document rejects", async () => {
  await using server = await useElasticsearch("8.19.4");
  const index = uniqueName("refusing");

  const filled = fillIndex(server, index, { documents: 10, mappings: { properties: { message: { type: "long" } } } });

  await expect(filled).rejects.toThrow("The server refused documents");
  await askServerOk(server, `DELETE /${index}`);
});

test("a server with security answers nobody but its user, over TLS of its own authority", async () => {
  const security = { username: "admin", password: "pä ss:wörd" };
  await using server = await startElasticsearch({ version: "8.19.4", security });

  const health = await askServer(server, "GET /_cluster/health");
  const anonymous = await askServer({ ...server, credentials: undefined }, "GET /_cluster/health");
  const wrong = await askServer({ ...server, credentials: { ...security, password: "x" } }, "GET /_cluster/health");
  const untrusting = askServer({ ...server, ca: undefined }, "GET /_cluster/health");

  await expect(untrusting).rejects.toThrow("certificate");
  expect([health.status, anonymous.status, wrong.status]).toEqual([200, 401, 401]);
});

test("nested documents are read as one hit each, though the index counts every inner one", async () => {
  await using server = await useElasticsearch("9.2.8");
  const index = uniqueName("nested");
  await askServerOk(server, `PUT /${index}`, JSON.stringify(NESTED_INDEX));

  await putDocuments(server, index, nestedDocuments());
  const found = await readAll(server, index);
  const stats = JSON.parse((await askServerOk(server, `GET /${index}/_stats/docs`)).toString());
  await askServerOk(server, `DELETE /${index}`);

  expect(diffIndices(storedContent(nestedDocuments()), found)).toEqual([]);
  expect(stats._all.primaries.docs.count).toBeGreaterThan(found.size);
});

test.each(OPENSEARCH_VERSIONS)("OpenSearch %s finds the children of each parent, read back with their routing", async (version) => {
  await using server = await useOpenSearch(version);
  const index = uniqueName("join");
  await askServerOk(server, `PUT /${index}`, JSON.stringify(JOIN_INDEX));

  await putDocuments(server, index, joinDocuments());
  const found = await readAll(server, index);
  const parents = await askServerOk(server, `POST /${index}/_count`, '{"query":{"has_child":{"type":"answer","query":{"match_all":{}}}}}');
  await askServerOk(server, `DELETE /${index}`);

  expect(diffIndices(storedContent(joinDocuments()), found)).toEqual([]);
  expect(JSON.parse(parents.toString()).count).toBe(10);
});
