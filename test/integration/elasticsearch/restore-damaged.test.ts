import { askServerOk, type SearchServer } from "../../servers/search-server.ts";
import { uniqueName, useElasticsearch } from "../../servers/search-server-pool.ts";
import { makeBucket } from "../../unit/snapshot/snapshot-parts.ts";
import { fill, makeIndex } from "./reading.ts";
import { backUp, restore } from "./whole-runs.ts";

let server: SearchServer;
beforeAll(async () => {
  server = await useElasticsearch("8.19.4");
});
afterAll(() => server[Symbol.asyncDispose]());

test("nothing is deleted for documents that are not in the store any more", async () => {
  const [damaged, sound] = [uniqueName("damaged"), uniqueName("damaged")];
  await using _ = await makeIndex(server, damaged, { number_of_shards: 1 });
  await using __ = await makeIndex(server, sound, { number_of_shards: 1 });
  await fill(server, damaged, 10);
  await fill(server, sound, 20);
  const bucket = await makeBucket();
  const { manifest } = await backUp(bucket, server.url, { match: `${damaged},${sound}` });
  const { indices } = manifest.facts as { indices: { name: string; shards: { streams: string[] }[] }[] };
  const [stream] = indices.find(({ name }) => name === damaged)?.shards[0]?.streams ?? [];
  const key = manifest.streams.find(({ name }) => name === stream)?.objects[0]?.key ?? "";
  await fill(server, damaged, 1, { from: 10 });

  const isDeleted = bucket.objects.delete(key);
  const all = restore(bucket, server.url, { manifest, policy: "replace" });
  await expect(all).rejects.toMatchObject({ reason: "SnapshotDamaged", message: expect.stringContaining(key) });
  const left = await countOf(damaged);
  const part = await restore(bucket, server.url, { manifest, policy: "replace", match: sound });

  expect(isDeleted).toBe(true);
  expect(left).toBe(11);
  expect(part.counts).toMatchObject({ documents: 20, replaced: 1 });
});

async function countOf(index: string): Promise<number> {
  return (JSON.parse((await askServerOk(server, `GET /${index}/_count`)).toString()) as { count: number }).count;
}
