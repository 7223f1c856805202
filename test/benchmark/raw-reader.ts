// A process: the least that a client can do to read an index. Points in time, one slice a shard, pages of 10,000 hits whose bytes are thrown away, or
// compressed with zstd at level 1 and then thrown away.
import { parseArgs, promisify } from "node:util";
import { constants, zstdCompress } from "node:zlib";
import { Pool } from "undici";

const { values } = parseArgs({
  options: {
    url: { type: "string", default: "" },
    index: { type: "string", default: "" },
    shards: { type: "string", default: "2" },
    // when given, hits are counted, which costs time
    documents: { type: "string" },
    page: { type: "string", default: "10000" },
    compress: { type: "boolean", default: false },
  },
});
const compress = promisify(zstdCompress);
const level = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };
const shards = Number(values.shards);
const pool = new Pool(values.url, { connections: shards });
const pit = (await json("POST", `/${values.index}/_pit?keep_alive=5m`)) as { id: string };
const counts = await Promise.all(Array.from({ length: shards }, (_, slice) => readShard(slice)));
await json("DELETE", "/_pit", { id: pit.id });
await pool.close();
const documents = counts.reduce((sum, count) => sum + count, 0);
if (values.documents !== undefined && documents !== Number(values.documents))
  throw new Error(`${documents} documents instead of ${values.documents}`);

async function readShard(slice: number): Promise<number> {
  let count = 0;
  let pending: Promise<unknown> = Promise.resolve();
  for (let after: number[] | undefined; ; ) {
    const page = await readPage({ slice, after });
    const last = /"sort":\[(\d+)\]\}\]\}\}$/.exec(page.subarray(-100).toString("latin1"))?.[1];
    if (last === undefined) break;
    if (values.documents !== undefined) count += countHits(page);
    after = [Number(last)];
    await pending;
    if (values.compress) pending = compress(page, level);
  }
  await pending;
  return count;
}

async function readPage({ slice, after }: { slice: number; after: number[] | undefined }): Promise<Buffer> {
  const body = JSON.stringify({
    size: Number(values.page),
    track_total_hits: false,
    pit: { id: pit.id, keep_alive: "5m" },
    sort: ["_shard_doc"],
    ...(shards > 1 ? { slice: { id: slice, max: shards } } : {}),
    ...(after === undefined ? {} : { search_after: after }),
  });
  const answer = await pool.request({ method: "POST", path: "/_search", body, headers: { "content-type": "application/json" } });
  if (answer.statusCode !== 200) throw new Error(await answer.body.text());
  return Buffer.from(await answer.body.arrayBuffer());
}

/** By the text that only the end of a hit has here. */
function countHits(page: Buffer): number {
  let count = 0;
  for (let at = page.indexOf('"sort":['); at >= 0; at = page.indexOf('"sort":[', at + 8)) count += 1;
  return count;
}

async function json(method: "POST" | "DELETE", path: string, body?: unknown): Promise<unknown> {
  const headers = body === undefined ? {} : { "content-type": "application/json" };
  const answer = await pool.request({ method, path, headers, body: body === undefined ? null : JSON.stringify(body) });
  return answer.body.json();
}
