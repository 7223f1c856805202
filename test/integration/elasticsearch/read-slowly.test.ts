import { ReadLimit } from "../../../functions/elasticsearch/read-limit.ts";
import { startFaultyHttpProxy } from "../../fakes/faulty-http-proxy.ts";
import { askServerOk } from "../../servers/search-server.ts";
import { uniqueName, useElasticsearch } from "../../servers/search-server-pool.ts";
import { collect, fill, makeIndex, openReader } from "./reading.ts";

test("fault 9: while the store is slower than the server, one page is written and one is on its way, however many there are", async () => {
  await using server = await useElasticsearch("8.19.4");
  const name = uniqueName("slow");
  await using _ = await makeIndex(server, name, { number_of_shards: 1, max_result_window: 100 });
  await fill(server, name, 2_000);
  await using proxy = await startFaultyHttpProxy(server.port);
  await using reader = await openReader(proxy.endpoint);
  await using cursors = await reader.open([name]);
  const pagesAskedFor = () => proxy.requests.filter((line) => line.startsWith("POST /_search?")).length;
  const aheadAtWrites: number[] = [];
  const onWrite = async () => {
    // Many times what a page takes.
    for (let round = 0; round < 10; round += 1) await askServerOk(server, `GET /${name}/_count`);
    aheadAtWrites.push(pagesAskedFor() - aheadAtWrites.length - 1);
  };
  const before = pagesAskedFor();

  const { content } = await collect(server, { cursors, name }, { limit: new ReadLimit(1), onWrite });

  expect(before).toBe(0);
  expect(content.size).toBe(2_000);
  expect(aheadAtWrites.length).toBeGreaterThanOrEqual(20);
  expect(Math.max(...aheadAtWrites)).toBe(1);
}, 120_000);
