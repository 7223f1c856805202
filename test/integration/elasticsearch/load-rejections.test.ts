import { statfs } from "node:fs/promises";
import { startElasticsearch } from "../../servers/elasticsearch-server.ts";
import { askServer, askServerOk, type SearchServer } from "../../servers/search-server.ts";
import { diffIndices, readAll } from "../../tools/search-equality.ts";
import { contentOf, createIndex, documentsOf, openLoadTarget, refresh, streamOf } from "./load-target.ts";

let server: SearchServer;
beforeAll(async () => {
  server = await startElasticsearch({
    version: "8.19.4",
    settings: {
      // So that much is rejected: one thread, and one request that waits for it.
      "thread_pool.write.size": "1",
      "thread_pool.write.queue_size": "1",
      "http.max_content_length": "200kb",
      "cluster.info.update.interval": "10s",
    },
  });
});
afterAll(() => server[Symbol.asyncDispose]());

test("D10: a target that rejects most of 48 requests at once gets every document in the end", async () => {
  await using _ = await createIndex(server, "rejected", { settings: { number_of_shards: 2 } });
  await using target = await openLoadTarget(server.url, { requests: 48, streams: 6, bodyBytes: 20_000 });
  const parts = ["a", "b", "c", "d", "e", "f"].map((prefix) => documentsOf(1000, prefix));

  const loaded = await target.load({ index: "rejected", streams: parts.map((part, n) => streamOf(part, { name: `shard-${n}.ndjson` })) });

  await refresh(server, "rejected");
  const rejected = await rejections();
  expect(rejected).toBeGreaterThan(0);
  expect(loaded).toMatchObject({ documents: 6000, refused: 0, overwritten: 0 });
  expect(loaded.retriedItems).toBeGreaterThan(0);
  expect(target.gate.requests).toBeLessThan(48);
  expect(diffIndices(contentOf(parts.flat()), await readAll(server, "rejected"))).toEqual([]);
});

test("D10: a request beyond http.max_content_length is split, and a document beyond it is refused by name", async () => {
  await using _ = await createIndex(server, "large");
  await using target = await openLoadTarget(server.url, { requests: 1 });
  const documents = documentsOf(2000);
  const huge = { id: "huge", source: Buffer.from(`{"text":"${"x".repeat(300_000)}"}`) };

  const loaded = await target.load({ index: "large", streams: [streamOf([...documents.slice(0, 700), huge, ...documents.slice(700)])] });

  await refresh(server, "large");
  expect(loaded).toMatchObject({ documents: 2000, refused: 1, read: 2001, overwritten: 0 });
  expect(target.refusals.first).toMatchObject([{ id: "huge", status: 413, type: "request_too_large" }]);
  expect(diffIndices(contentOf(documents), await readAll(server, "large"))).toEqual([]);
});

test("a disk beyond the flood stage ends the load by name; once there is room, it goes on", async () => {
  await using _ = await createIndex(server, "flooded");
  await using target = await openLoadTarget(server.url, { diskPatienceMs: 500, backoffMs: () => 50 });
  const { blocks, bsize } = await statfs(server.directory);
  const more = `${Math.floor((blocks * bsize) / 1024 ** 2) + 1000}mb`;
  const watermarks = (value: string | null) =>
    Object.fromEntries(["low", "high", "flood_stage"].map((stage) => [`cluster.routing.allocation.disk.watermark.${stage}`, value]));
  const configure = (value: string | null, isOn: boolean | null) =>
    askServerOk(
      server,
      "PUT /_cluster/settings",
      JSON.stringify({ persistent: { ...watermarks(value), "cluster.routing.allocation.disk.threshold_enabled": isOn } }),
    );
  await configure(more, true);
  await waitForBlock("flooded", true);

  const failure = target.load({ index: "flooded", streams: [streamOf(documentsOf(10))] });
  await expect(failure).rejects.toMatchObject({ name: "DatabaseRefusedError", reason: "TargetDiskFull" });
  await configure(null, null);
  await askServerOk(server, "PUT /flooded/_settings", '{"index.blocks.read_only_allow_delete":null}');
  const loaded = await target.load({ index: "flooded", streams: [streamOf(documentsOf(10))] });

  expect(loaded).toMatchObject({ documents: 10, refused: 0, overwritten: 0 });
});

/** How many tasks the pool for writing has rejected. */
async function rejections(): Promise<number> {
  const pools = JSON.parse((await askServerOk(server, "GET /_cat/thread_pool/write?format=json&h=rejected")).toString()) as {
    rejected: string;
  }[];
  return pools.reduce((sum, { rejected }) => sum + Number(rejected), 0);
}

async function waitForBlock(index: string, isBlocked: boolean): Promise<void> {
  for (;;) {
    const answer = await askServer(server, `GET /${index}/_settings/index.blocks.read_only_allow_delete`);
    if (answer.body.toString().includes('"read_only_allow_delete":"true"') === isBlocked) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
