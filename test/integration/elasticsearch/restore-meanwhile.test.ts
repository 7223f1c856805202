import { onFirst, startFaultyHttpProxy } from "../../fakes/faulty-http-proxy.ts";
import { askServer, askServerOk, type SearchServer } from "../../servers/search-server.ts";
import { uniqueName, useElasticsearch, useOpenSearch } from "../../servers/search-server-pool.ts";
import { makeBucket } from "../../unit/snapshot/snapshot-parts.ts";
import { fill, makeIndex } from "./reading.ts";
import { backUp, restore } from "./whole-runs.ts";

let server: SearchServer;
beforeAll(async () => {
  server = await useElasticsearch("8.19.4");
});
afterAll(() => server[Symbol.asyncDispose]());

test("an index that is deleted before its documents come, and made by the server of them, is not taken for the restored one", async () => {
  const name = uniqueName("meanwhile");
  await using _ = await makeIndex(server, name);
  await fill(server, name, 10);
  const bucket = await makeBucket();
  const { manifest } = await backUp(bucket, server.url, { match: name });
  let deletion: Promise<unknown> | undefined;

  const restoring = restore(bucket, server.url, {
    manifest,
    policy: "replace",
    verifyRestored: true,
    onStream: async (stream) => {
      if (!stream.startsWith("indices/")) return;
      deletion ??= askServerOk(server, `DELETE /${name}`);
      await deletion;
    },
  });

  await expect(restoring).rejects.toMatchObject({ reason: "TargetIndexGone", message: expect.stringContaining(name) });
  expect(deletion).toBeDefined();
  expect((await askServer(server, `GET /${name}/_count`)).status).toBe(200);
});

test("indices that a data stream makes for its documents are known again", async () => {
  await using streaming = await useOpenSearch("2.19.1");
  const name = uniqueName("meanwhile");
  const template = { index_patterns: [name], data_stream: {}, priority: 500, template: { settings: { number_of_replicas: 0 } } };
  await askServerOk(streaming, `PUT /_index_template/${name}`, JSON.stringify(template));
  await using _ = {
    [Symbol.asyncDispose]: async () => {
      await askServer(streaming, `DELETE /_data_stream/${name}`);
      await askServer(streaming, `DELETE /_index_template/${name}`);
    },
  };
  const document = (n: number) => `{"create":{"_id":"${n}"}}\n{"@timestamp":"2026-01-01T00:00:00Z","n":${n}}\n`;
  await askServerOk(streaming, `POST /${name}/_bulk?refresh=true`, document(1) + document(2));
  await askServerOk(streaming, `POST /${name}/_rollover`);
  await askServerOk(streaming, `POST /${name}/_bulk?refresh=true`, document(3));
  const bucket = await makeBucket();
  const { manifest } = await backUp(bucket, streaming.url, { match: name });

  const { counts } = await restore(bucket, streaming.url, { manifest, policy: "replace", verifyRestored: true });

  expect(counts).toMatchObject({ documents: 3, dataStreams: 1, verifiedByDigest: 2 });
});

test("an index that is replaced is deleted although the answer is lost", async () => {
  const name = uniqueName("meanwhile");
  await using _ = await makeIndex(server, name);
  await fill(server, name, 10);
  const bucket = await makeBucket();
  const { manifest } = await backUp(bucket, server.url, { match: name });
  await using proxy = await startFaultyHttpProxy(server.port);
  proxy.break(onFirst({ kind: "lose answer" }, /^DELETE/));

  const { counts } = await restore(bucket, proxy.endpoint, { manifest, policy: "replace" });

  expect(proxy.brokenRequests).toBe(1);
  expect(counts).toMatchObject({ documents: 10, replaced: 1 });
});
