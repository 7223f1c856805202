import { startOpenSearch } from "../../servers/opensearch-server.ts";
import { askServerOk } from "../../servers/search-server.ts";
import { uniqueName } from "../../servers/search-server-pool.ts";
import { collect, fill, makeIndex, openReader } from "./reading.ts";

test("what replicas of segments do not have yet is read all the same", async () => {
  // Arrange: replicas that get their segments by a thousand bytes a second.
  await using server = await startOpenSearch({ version: "2.19.1", nodes: 2 });
  const slow = { "indices.recovery.max_bytes_per_sec": "1kb", "indices.replication.max_bytes_per_sec": "1kb" };
  await askServerOk(server, "PUT /_cluster/settings", JSON.stringify({ transient: slow }));
  const name = uniqueName("lagging");
  await using _ = await makeIndex(server, name, {
    number_of_shards: 6,
    number_of_replicas: 1,
    refresh_interval: "-1",
    "index.replication.type": "SEGMENT",
  });
  await askServerOk(server, `GET /_cluster/health/${name}?wait_for_status=green&timeout=30s`);
  await fill(server, name, 6_000, { bytes: 2_000 });
  const countOf = async (copy: string) => {
    const answer = await askServerOk(server, `POST /${name}/_search?preference=${copy}&size=0&track_total_hits=true`, "{}");
    return (JSON.parse(answer.toString()) as { hits: { total: { value: number } } }).hits.total.value;
  };
  const [onPrimaries, onReplicas] = [await countOf("_primary"), await countOf("_replica")];
  await using reader = await openReader(server.url);

  const read: number[] = [];
  for (const method of ["pit", "scroll"] as const) {
    await using cursors = await reader.open([name], { method });
    const { reading } = await collect(server, { cursors, name });
    read.push(reading.documents);
  }

  expect(onPrimaries).toBe(6_000);
  expect(onReplicas).toBeLessThan(6_000);
  expect(read).toEqual([6_000, 6_000]);
});
