import { askServer, askServerOk, type SearchServer } from "../../servers/search-server.ts";
import { uniqueName, useElasticsearch } from "../../servers/search-server-pool.ts";
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
