import { askServerOk, type SearchServer } from "../../servers/search-server.ts";
import { uniqueName, useOpenSearch } from "../../servers/search-server-pool.ts";
import { makeBucket } from "../../unit/snapshot/snapshot-parts.ts";
import { collect, fill, makeIndex, openReader, settingsOf } from "./reading.ts";
import { backUp, restore } from "./whole-runs.ts";

// These servers have none of the processors that would leave documents out; a pipeline that is missing fails every search that goes through it.
describe.each(["2.19.1", "3.8.0"] as const)("OpenSearch %s", (version) => {
  let server: SearchServer;
  beforeAll(async () => {
    server = await useOpenSearch(version);
  });
  afterAll(() => server[Symbol.asyncDispose]());

  test.each(["pit", "scroll"] as const)("the search pipeline of an index has no say in what is read of it, by %s", async (method) => {
    const name = uniqueName("piped");
    await using _ = await makeIndex(server, name);
    await fill(server, name, 100);
    await using reader = await openReader(server.url);
    await using cursors = await reader.open([name], { method });
    await askServerOk(server, `PUT /${name}/_settings`, JSON.stringify({ "index.search.default_pipeline": "missing" }));
    const search = askServerOk(server, `POST /${name}/_search`, "{}");
    await expect(search).rejects.toThrow("Pipeline missing is not defined");

    const { reading } = await collect(server, { cursors, name });

    expect(reading.documents).toBe(100);
  });

  test("an index is counted and read back before its search pipeline is put back, which is told when it is missing", async () => {
    const name = uniqueName("piped");
    await using _ = await makeIndex(server, name, { "index.search.default_pipeline": name });
    await askServerOk(server, `PUT /_search/pipeline/${name}`, "{}");
    await fill(server, name, 100);
    const bucket = await makeBucket();
    const { manifest } = await backUp(bucket, server.url, { match: name });
    await askServerOk(server, `DELETE /${name}`);
    await askServerOk(server, `DELETE /_search/pipeline/${name}`);

    const { counts, facts } = await restore(bucket, server.url, { manifest, indicesOnly: true, verifyRestored: true });

    expect(counts).toMatchObject({ documents: 100, verifiedByDigest: 1 });
    expect(facts.notes).toContainEqual({ reason: "PipelineMissing", message: expect.stringContaining(`search pipeline "${name}"`) });
    expect(await settingsOf(server, name)).toMatchObject({ "index.search.default_pipeline": name });
  });
});
