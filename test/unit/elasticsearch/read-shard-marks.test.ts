import { readShardMarks } from "../../../functions/elasticsearch/read-shard-marks.ts";
import { answerJson, openTransport, startScriptedHttp } from "./scripted-http-server.ts";

interface Scene {
  /** Of shard 0, at each of the two times. */
  readonly terms?: readonly [number, number];
  readonly uuids?: readonly [string, string, string];
  readonly shards?: unknown;
  readonly statsStatus?: number;
}

const primary = (rest: object = {}) => ({
  routing: { primary: true, state: "STARTED" },
  seq_no: { max_seq_no: 41, local_checkpoint: 41, global_checkpoint: 41 },
  ...rest,
});

async function marksOf({ terms = [3, 3], uuids = ["u", "u", "u"], shards = { "0": [primary()] }, statsStatus = 200 }: Scene) {
  let asked = 0;
  await using server = await startScriptedHttp(({ url }, response) => {
    if (url.includes("_stats"))
      return answerJson(response, statsStatus === 200 ? { indices: { a: { uuid: uuids[1], shards } } } : { error: "no" }, statsStatus);
    const at = asked;
    asked += 1;
    const index = { primary_terms: { "0": terms[at] }, settings: { index: { uuid: uuids[at === 0 ? 0 : 2] } } };
    return answerJson(response, { metadata: { indices: { a: index } } });
  });
  await using transport = openTransport(server.port);
  return await readShardMarks(transport, ["a", "b"]);
}

test("An index's marks are those of its primaries", async () => {
  const replica = { routing: { primary: false, state: "STARTED" }, seq_no: { max_seq_no: 9, local_checkpoint: 9, global_checkpoint: 9 } };

  const marks = await marksOf({ shards: { "0": [replica, primary()] } });

  expect(marks).toEqual(new Map([["a", { uuid: "u", shards: [{ shard: 0, primaryTerm: 3, maxSeqNo: 41, globalCheckpoint: 41 }] }]]));
});

test.each<[string, Scene]>([
  ["a new primary took over meanwhile", { terms: [3, 4] }],
  ["the index was made anew meanwhile", { uuids: ["u", "u", "v"] }],
  ["the numbers are of another index", { uuids: ["u", "v", "u"] }],
  ["a shard is missing in the answer", { shards: {} }],
  ["a shard has no primary that runs", { shards: { "0": [primary({ routing: { primary: true, state: "INITIALIZING" } })] } }],
  ["a shard does not tell its numbers", { shards: { "0": [primary({ seq_no: undefined })] } }],
  ["numbers are not known", { shards: { "0": [primary({ seq_no: { max_seq_no: 5, local_checkpoint: 5, global_checkpoint: -2 } })] } }],
  ["the user may not ask", { statsStatus: 403 }],
])("There are no marks when %s", async (_, scene) => {
  await expect(marksOf(scene)).resolves.toEqual(new Map());
});

test("A server that fails is an error", async () => {
  await expect(marksOf({ statsStatus: 503 })).rejects.toMatchObject({ reason: "DatabaseBusy" });
});
