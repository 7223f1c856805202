// How fast answers become hit lines, and lines bulk bodies, on one core: node test/benchmark/scan-hits.ts
// Copying into the module's memory is part of each figure; so are digest and newlines. Beside it the plainest loop over bytes in JavaScript.
import { BulkCutter } from "../../functions/elasticsearch/bulk-cutter.ts";
import { HitPage } from "../../functions/elasticsearch/hit-page.ts";
import { type SeededRandom, seededRandom } from "../tools/seeded-random.ts";
import { markdownTable } from "./table.ts";

const PAGE_BYTES = 5_000_000;
const CHUNK_BYTES = 65_536;
const SECONDS = 0.7;
const ROUNDS = 3;

type MakeSource = (random: SeededRandom) => unknown;

const SHAPES: Readonly<Record<string, MakeSource>> = {
  logs: (random) => ({
    "@timestamp": 893_964_617 + random.below(1_000_000),
    clientip: `${random.below(255)}.${random.below(255)}.0.0`,
    request: `GET /english/images/${random.text(12)}.gif HTTP/1.0`,
    status: 200,
    size: random.below(100_000),
  }),
  article: (random) => ({
    title: random.text(40),
    tags: [random.text(8), random.text(6)],
    views: random.below(1_000_000),
    score: random.below(1_000_000) / 1_000_000,
    author: { name: random.text(12), active: random.oneIn(2) },
    body: `${random.text(350)} "${random.text(20)}"\n${random.text(350)}`,
  }),
  vector: (random) => ({ text: random.text(40), vector: Array.from({ length: 768 }, () => random.below(2_000_000_000) / 1e9 - 1) }),
};

function makePage(makeSource: MakeSource): Buffer {
  const random = seededRandom(7);
  const hits: string[] = [];
  for (let bytes = 0; bytes < PAGE_BYTES; ) {
    const at = hits.length;
    const hit = `{"_index":"main","_id":"${at.toString(36)}x${random.below(1e9)}","_score":null,"_source":${JSON.stringify(makeSource(random))},"sort":[${at}]}`;
    hits.push(hit);
    bytes += hit.length;
  }
  const head = `{"pit_id":"p","took":1,"timed_out":false,"_shards":{"total":1,"successful":1,"skipped":0,"failed":0},"hits":{"max_score":null,"hits":[`;
  return Buffer.from(`${head}${hits.join(",")}]}}`);
}

/** What a scanner must at least do in JavaScript: strings, escapes, depth, and a newline for each comma between hits. */
function scanByByte(bytes: Buffer): number {
  let hits = 0;
  let depth = 0;
  let isInString = false;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (isInString) {
      if (byte === 0x5c) at += 1;
      else if (byte === 0x22) isInString = false;
    } else if (byte === 0x22) isInString = true;
    else if (byte === 0x7b || byte === 0x5b) depth += 1;
    else if (byte === 0x7d || byte === 0x5d) {
      depth -= 1;
      if (depth === 3) {
        hits += 1;
        if (bytes[at + 1] === 0x2c) bytes[at + 1] = 0x0a;
      }
    }
  }
  return hits;
}

async function* inChunks(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) yield bytes.subarray(at, at + CHUNK_BYTES);
}

/** Best of the rounds, in MB a second of processor time: the machine has other things to do. */
async function measure(bytes: number, work: () => Promise<void> | void): Promise<number> {
  let best = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const started = process.cpuUsage();
    let runs = 0;
    let seconds = 0;
    while (seconds < SECONDS) {
      await work();
      runs += 1;
      const { user, system } = process.cpuUsage(started);
      seconds = (user + system) / 1e6;
    }
    best = Math.max(best, (bytes * runs) / seconds / 1e6);
  }
  return best;
}

const rows: string[][] = [];
for (const [name, makeSource] of Object.entries(SHAPES)) {
  const answer = makePage(makeSource);
  const page = new HitPage({ initialBytes: answer.length });
  const read = () => {
    page.begin();
    for (let at = 0; at < answer.length; at += CHUNK_BYTES) page.append(answer.subarray(at, at + CHUNK_BYTES));
    return page.finish();
  };
  const { hits, lines } = read();
  const copy = Buffer.from(lines);
  const scan = await measure(answer.length, () => void read());
  const cutter = new BulkCutter({ targetBytes: 2_000_000, action: "index" });
  const cut = await measure(copy.length, async () => {
    for await (const body of cutter.cut(inChunks(copy))) body.release();
  });
  const loop = await measure(answer.length, () => {
    const scratch = Buffer.from(answer);
    if (scanByByte(scratch) !== hits) throw new Error("The byte loop found other hits");
  });
  rows.push([name, (copy.length / hits).toFixed(0), scan.toFixed(0), cut.toFixed(0), loop.toFixed(0), (scan / loop).toFixed(1)]);
}
process.stdout.write(
  markdownTable(["documents", "bytes a line", "answer to lines, MB/s", "lines to bodies, MB/s", "byte loop, MB/s", "ratio"], rows),
);
