import { askServerOk, type SearchServer } from "../../servers/search-server.ts";
import { uniqueName, useElasticsearch, useOpenSearch } from "../../servers/search-server-pool.ts";
import { makeBucket } from "../../unit/snapshot/snapshot-parts.ts";
import { backUp, restore } from "./whole-runs.ts";

const ENDINGS = ["100%", "%2c", "a+b", "a&b=c;d", "löß", "日本🎉", "~!'()$@", "..", "é".repeat(100)];

describe.each([
  { name: "Elasticsearch 8.19.4", use: () => useElasticsearch("8.19.4") },
  { name: "OpenSearch 2.19.1", use: () => useOpenSearch("2.19.1") },
])("$name", ({ use }) => {
  let server: SearchServer;
  beforeAll(async () => {
    server = await use();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  test("indices and aliases whose names an address has to encode come back", async () => {
    const prefix = uniqueName("hostile");
    const names = ENDINGS.map((ending) => `${prefix}-${ending}`);
    const path = names.map(encodeURIComponent);
    const remove = () => askServerOk(server, `DELETE /${path.join(",")}?ignore_unavailable=true`);
    await using _ = { [Symbol.asyncDispose]: async () => void (await remove()) };
    for (const [at, name] of path.entries()) {
      const alias = `${prefix}-alias-${ENDINGS[at]}`;
      await askServerOk(server, `PUT /${name}`, JSON.stringify({ settings: { number_of_replicas: 0 }, aliases: { [alias]: {} } }));
      await askServerOk(server, `PUT /${name}/_doc/${at}?refresh=true`, `{"at":${at}}`);
    }
    const bucket = await makeBucket();

    const { manifest, result } = await backUp(bucket, server.url, { match: `${prefix}*` });
    const { result: again } = await backUp(bucket, server.url, { match: `${prefix}*` });
    await remove();
    const { counts } = await restore(bucket, server.url, { manifest, verifyRestored: true });

    expect(result.counts).toMatchObject({ indices: names.length, documents: names.length });
    expect(again.counts).toMatchObject({ unchangedIndices: names.length });
    expect(counts).toMatchObject({ documents: names.length, aliases: names.length, verifiedByDigest: names.length });
  });
});
