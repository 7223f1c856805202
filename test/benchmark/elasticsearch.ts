// Elasticsearch side by side with elasticdump and with the least that a client can do: how long, how much CPU on either side, how much memory.
// Ratios are what counts: absolute figures are this machine's, and server and client share its cores. This file with --help.
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { cpus, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { startElasticsearch } from "../servers/elasticsearch-server.ts";
import type { SearchServer } from "../servers/search-server.ts";
import { askServerOk } from "../servers/search-server.ts";
import { bulkBody, fillIndex } from "../tools/search-dataset.ts";
import { type Contender, compete, resultsTable } from "./contest.ts";
import { ensureElasticdump } from "./elasticdump.ts";
import { type Measurement, type Program, runMeasured } from "./measure.ts";
import { cpuUsage } from "./process-usage.ts";
import { bundlePrograms, type Programs } from "./programs.ts";
import { buildRootPlugin } from "./root-plugin.ts";

const USAGE = `Usage: elasticsearch.ts [--documents N] [--runs N] [--only dump|many|load] [--shards N] [--directory DIR]

  --documents  of about 1 KB in the large index; default 1000000
  --runs       runs of each contender, interleaved; default 3
  --only       one part of it
  --shards     of the large index; default 2
  --directory  for stores and files, some GB; default: a new one below ${tmpdir()}
`;
const VERSION = "8.19.4";
/** With half of it, or another collector than its own, the server refuses bodies for want of memory: ours sends them again, the raw loader fails. */
const HEAP_MEGABYTES = 2048;
const INDEX = "bench";
const SMALL = { indices: 20, documents: 500 };
const REQUESTS = "2";
const SEED = 1;
/** Some 8 MB. */
const DOCUMENTS_A_BODY = 8_500;

const { values } = parseArgs({
  options: {
    documents: { type: "string", default: "1000000" },
    runs: { type: "string", default: "3" },
    only: { type: "string" },
    shards: { type: "string", default: "2" },
    directory: { type: "string", default: tmpdir() },
    help: { type: "boolean", default: false },
  },
});
const [documents, runs] = [Number(values.documents), Number(values.runs)];
if (values.help || !(documents > 0) || !(runs >= 1) || ![undefined, "dump", "many", "load"].includes(values.only)) {
  process.stdout.write(USAGE);
  process.exit(values.help ? 0 : 2);
}

// without this a stopped benchmark would leave gigabytes behind
const interruption = new AbortController();
const { signal } = interruption;
for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => interruption.abort(new Error(`Stopped by ${name}`)));

const directory = await mkdtemp(join(values.directory, "holdfast-benchmark-"));
const node = process.execPath;
try {
  const programs = await bundlePrograms(directory);
  const incumbent = await ensureElasticdump();
  const machine = `${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 1e6).toLocaleString("en")} MB`;
  print(
    `Machine: ${machine}; Node ${process.version}; Elasticsearch ${VERSION}, heap ${HEAP_MEGABYTES} MB; elasticdump ${incumbent.version}; on loopback\n`,
  );
  await using server = await startElasticsearch({
    version: VERSION,
    heapMegabytes: HEAP_MEGABYTES,
    javaOptions: ["-XX:+UseG1GC"],
    plugins: [await buildRootPlugin(VERSION, directory)],
  });
  if (values.only !== "many") await fillIndex(server, INDEX, { documents, shards: Number(values.shards), seed: SEED });
  if (values.only === undefined || values.only === "dump") await dump(server, { programs, ...incumbent });
  if (values.only === undefined || values.only === "load") await load(server, { programs, ...incumbent });
  if (values.only === undefined || values.only === "many") await many(server, { programs, ...incumbent });
} catch (error) {
  process.exitCode = 1;
  process.stderr.write(`${error instanceof Error ? error.message.slice(0, 4000) : String(error)}\n`);
} finally {
  await rm(directory, { recursive: true, force: true, maxRetries: 5 });
}

interface Tools {
  readonly programs: Programs;
  readonly elasticdump: string;
  readonly multielasticdump: string;
}

async function dump(server: SearchServer, { programs, elasticdump }: Tools): Promise<void> {
  const raw = (...extra: string[]) => script("raw-reader.ts", "--url", server.url, "--index", INDEX, "--shards", values.shards, ...extra);
  const incumbent = (...extra: string[]): Program => ({
    command: node,
    args: [
      elasticdump,
      `--input=${server.url}/${INDEX}`,
      `--output=${join(directory, "dump.json")}`,
      "--type=data",
      "--overwrite",
      ...extra,
    ],
    isQuiet: true,
  });
  const backUp = () => programs.holdfast("es-backup", "--url", server.url, "--store", join(directory, "store"), "--match", INDEX, "--full");
  // Warm, and counted once.
  await runMeasured(raw("--documents", String(documents)));
  const results = await compete(
    [
      contender("raw reader", server, () => raw()),
      contender("raw reader, zstd 1", server, () => raw("--compress")),
      contender("ours to a directory", server, backUp, { store: true }),
      contender("elasticdump at its best", server, () => incumbent("--searchAfter=true", "--pit=true", "--limit=10000")),
      contender("elasticdump", server, () => incumbent()),
    ],
    { runs, signal },
  );
  print(
    `## Dump of ${documents.toLocaleString("en")} documents, ${values.shards} shards: ${runs} runs each, interleaved, median (least–most)\n`,
  );
  print(resultsTable(results, ["raw reader, zstd 1", "elasticdump at its best"]));
}

async function load(server: SearchServer, { programs, elasticdump }: Tools): Promise<void> {
  const store = join(directory, "source");
  await runMeasured(programs.holdfast("es-backup", "--url", server.url, "--store", store, "--match", INDEX));
  const source = join(directory, "source.json");
  const copy = [elasticdump, `--input=${server.url}/${INDEX}`, `--output=${source}`, "--type=data", "--limit=10000", "--searchAfter=true"];
  await runMeasured({ command: node, args: [...copy, "--pit=true"], isQuiet: true });
  const bodies = join(directory, "bodies");
  await mkdir(bodies);
  for (let from = 0; from < documents; from += DOCUMENTS_A_BODY) {
    const body = bulkBody(SEED, { from, to: Math.min(documents, from + DOCUMENTS_A_BODY) });
    await writeFile(join(bodies, String(from).padStart(9, "0")), body);
  }
  const target = "loaded";
  const empty = async () => {
    await askServerOk(server, `DELETE /${target}?ignore_unavailable=true`);
  };
  const create = async () => {
    await empty();
    const settings = {
      number_of_shards: Number(values.shards),
      number_of_replicas: 0,
      refresh_interval: "-1",
      "translog.durability": "async",
    };
    const { [INDEX]: of } = JSON.parse((await askServerOk(server, `GET /${INDEX}/_mapping`)).toString());
    await askServerOk(server, `PUT /${target}`, JSON.stringify({ settings, mappings: of.mappings }));
  };
  const check = async () => {
    await askServerOk(server, `POST /${target}/_refresh`);
    const { count } = JSON.parse((await askServerOk(server, `GET /${target}/_count`)).toString());
    if (count !== documents) throw new Error(`${count} documents were loaded instead of ${documents}`);
  };
  const restore = () =>
    programs.holdfast("es-restore", "--url", server.url, "--store", store, "--rename", `${INDEX}=${target}`, "--es-concurrency", REQUESTS);
  const incumbent = (...extra: string[]): Program => ({
    command: node,
    args: [elasticdump, `--input=${source}`, `--output=${server.url}/${target}`, "--type=data", ...extra],
    isQuiet: true,
  });
  const raw = () => script("raw-loader.ts", "--url", server.url, "--index", target, "--bodies", bodies, "--requests", REQUESTS);
  await create();
  await runMeasured(raw());
  const results = await compete(
    [
      contender("raw loader", server, raw, { before: create, after: check }),
      contender("ours from a directory", server, restore, { before: empty, after: check }),
      contender("elasticdump at its best", server, () => incumbent("--limit=10000", "--noRefresh"), { before: create }),
    ],
    { runs, signal },
  );
  print(
    `## Load of ${documents.toLocaleString("en")} documents, ${REQUESTS} requests in flight: ${runs} runs each, interleaved, median (least–most)\n`,
  );
  print(resultsTable(results, ["raw loader", "elasticdump at its best"]));
  print(
    "\nThe raw loader ends with a refresh, as does ours, which also counts, flushes and compares settings. elasticdump sends one request at a time, does not refresh here, and changes integers above 2^53: documents that it spoils are refused, and it ends with exit code 0.\n",
  );
  await empty();
}

async function many(server: SearchServer, { programs, multielasticdump }: Tools): Promise<void> {
  for (let number = 1; number <= SMALL.indices; number += 1)
    await fillIndex(server, `small-${number}`, { documents: SMALL.documents, shards: 1, seed: number });
  const dumps = join(directory, "dumps");
  const results = await compete(
    [
      contender("ours to a directory", server, () => ours(), { store: true }),
      contender(
        "multielasticdump",
        server,
        () => ({
          command: node,
          args: [
            multielasticdump,
            "--direction=dump",
            "--match=^small-",
            "--ignoreType=template",
            `--input=${server.url}`,
            `--output=${dumps}`,
          ],
          isQuiet: true,
        }),
        {
          before: async () => {
            await rm(dumps, { recursive: true, force: true });
            await mkdir(dumps);
          },
        },
      ),
    ],
    { runs, signal },
  );
  print(`## ${SMALL.indices} indices of ${SMALL.documents} documents: ${runs} runs each, interleaved, median (least–most)\n`);
  print(resultsTable(results, ["multielasticdump"]));

  function ours(): Program {
    return programs.holdfast("es-backup", "--url", server.url, "--store", join(directory, "store"), "--match", "small-*", "--full");
  }
}

interface Surroundings {
  /** It writes into the store, which is then removed. */
  readonly store?: boolean;
  readonly before?: () => Promise<void>;
  readonly after?: () => Promise<void>;
}

function contender(name: string, server: SearchServer, program: () => Program, around: Surroundings = {}): Contender {
  return {
    name,
    measure: async (): Promise<Measurement> => {
      await around.before?.();
      const before = await cpuUsage(server.pid);
      const measurement = await runMeasured(program());
      const after = await cpuUsage(server.pid);
      await around.after?.();
      if (around.store === true) await rm(join(directory, "store"), { recursive: true });
      return { ...measurement, serverCpuSeconds: after.own - before.own, serverChildCpuSeconds: 0, delays: undefined };
    },
  };
}

function script(name: string, ...args: string[]): Program {
  return { command: node, args: ["--disable-warning=ExperimentalWarning", join(import.meta.dirname, name), ...args] };
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
