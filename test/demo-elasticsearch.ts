// A demonstration on real parts: fill an Elasticsearch, back it up twice, lose everything, restore, prove equality, damage the backup, catch it.
// With --if-at-hand it only runs where Elasticsearch lies in the cache already, and otherwise says how it is fetched.
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import {
  check,
  damageAndCatch,
  expectExit,
  runDemo,
  say,
  showShell,
  step,
  temporaryDirectory,
  throwIfStopped,
  title,
} from "./demo-stage.ts";
import { startElasticsearch } from "./servers/elasticsearch-server.ts";
import { cacheDirectory } from "./servers/install.ts";
import { askServer, askServerOk, type SearchServer } from "./servers/search-server.ts";
import { describeIndex, diffIndices, fingerprint, type IndexDescription, readAll } from "./tools/search-equality.ts";
import { NASTY_INDEX, nastyDocuments, putDocuments, restoredContent } from "./tools/search-nasty-documents.ts";

const VERSION = "8.19.4";
const ORDERS = 20_000;
const OBJECTS = ["_component_template/demo-base", "_index_template/demo-orders", "_template/demo-old", "_ingest/pipeline/demo-clean"];
const INDICES = ["demo-orders-2026", "demo-places", "demo-oddities"];

if (process.argv.includes("--if-at-hand") && !existsSync(join(cacheDirectory(), "java", `elasticsearch-${VERSION}`)))
  say("\nThe same with Elasticsearch: make demo-elasticsearch (the first time it fetches 100 MB, and a Java where there is none)");
else await runDemo(demonstrate);

async function demonstrate(): Promise<string> {
  await using directory = await temporaryDirectory();
  say("");
  title("Holdfast: a real Elasticsearch is backed up, lost, restored and compared; then the backup is damaged, and caught.");
  step(1, "An Elasticsearch with data that is easily changed on the way");
  await using server = await startElasticsearch({ version: VERSION });
  const store = join(directory.path, "backups");
  const where = ["--url", server.url, "--store", store];
  await fill(server);
  const original = await describe(server);
  const documents = (await countAll(server)).toLocaleString("en");
  say(
    `  Elasticsearch ${VERSION} on port ${server.port}: ${INDICES.length} indices, ${documents} documents, aliases, templates, a pipeline`,
  );

  step(2, "Back it up, encrypted, into a directory; no volume, no dump");
  showShell();
  await expectExit(0, ["es-backup", ...where]);

  step(3, "Once more: nothing changed, so nothing is read");
  const report = join(directory.path, "report.json");
  await expectExit(0, ["es-backup", ...where, "--report", report]);
  const { counts } = JSON.parse(await readFile(report, "utf8")) as { counts: Record<string, number> };
  check(
    counts.unchangedIndices === INDICES.length,
    `${INDICES.length} of ${INDICES.length} indices are unchanged`,
    "Something was read again",
  );
  await expectExit(0, ["snapshots", "--store", store]);
  await expectExit(0, ["verify", "--store", store]);

  step(4, "A restore does not touch what is there: it is refused, with exit code 21");
  await expectExit(21, ["es-restore", ...where]);

  step(5, "Lose everything");
  for (const path of [...INDICES, ...OBJECTS.toReversed()]) await ask(server, `DELETE /${path}`);
  const left = await Promise.all([...INDICES, ...OBJECTS].map(async (path) => (await askServer(server, `GET /${path}`)).status));
  check(
    left.every((status) => status === 404),
    "nothing is there any more",
    "Something is there still",
  );

  step(6, "Restore");
  await expectExit(0, ["es-restore", ...where, "--verify-restored"]);

  step(7, "Is it the same? Read by another reader, byte by byte");
  await compare(server, original);

  step(8, "Flip one bit of one object in the backup: verify has to fail, with exit code 3, and name the object");
  await damageAndCatch(store, "indices/");
  return `${documents} documents came back byte for byte, and a single damaged bit was caught`;
}

async function fill(server: SearchServer): Promise<void> {
  await put(server, "_component_template/demo-base", { template: { settings: { number_of_replicas: 0 } } });
  const template = { index_patterns: ["demo-orders-*"], composed_of: ["demo-base"], template: { mappings: { dynamic: true } } };
  await put(server, "_index_template/demo-orders", template);
  await put(server, "_template/demo-old", { index_patterns: ["demo-old-*"], settings: { number_of_replicas: 0 } });
  await put(server, "_ingest/pipeline/demo-clean", { description: "Does nothing", processors: [] });
  await put(server, INDICES[0] as string, {
    settings: { number_of_shards: 2, number_of_replicas: 0, refresh_interval: "5s" },
    mappings: { properties: { at: { type: "date" }, number: { type: "long" }, price: { type: "double" }, note: { type: "text" } } },
    aliases: { "demo-orders": { is_write_index: true }, "demo-dear": { filter: { range: { price: { gte: 500 } } } } },
  });
  await put(server, INDICES[1] as string, {
    settings: { number_of_shards: 1, number_of_replicas: 0 },
    mappings: { properties: { name: { type: "keyword" }, place: { type: "geo_point" } } },
  });
  await put(server, INDICES[2] as string, NASTY_INDEX);
  await bulk(
    server,
    INDICES[0] as string,
    Array.from({ length: ORDERS }, (_, at) => order(at)),
  );
  await bulk(
    server,
    INDICES[1] as string,
    Array.from({ length: 500 }, (_, at) => place(at)),
  );
  await putDocuments(server, INDICES[2] as string, nastyDocuments());
}

/** Numbers that a program loses which reads documents in order to write them: beyond 2^53, with a point and no need of it. */
function order(at: number): string {
  const second = String(at % 60).padStart(2, "0");
  return `{"number":${9_007_199_254_740_993n + BigInt(at) * 1_000_003n},"price":${at % 1000}.0,"at":"2026-03-01T12:00:${second}Z","note":"Grüße № ${at} 語"}`;
}

function place(at: number): string {
  return `{"name":"place ${at}","place":{"lat":${(at % 178) - 89}.50,"lon":${(at % 360) - 180}.0}}`;
}

async function bulk(server: SearchServer, index: string, sources: readonly string[]): Promise<void> {
  for (let at = 0; at < sources.length; at += 5000) {
    const lines = sources.slice(at, at + 5000).map((source, offset) => `{"index":{"_id":"${at + offset}"}}\n${source}\n`);
    const answer = await ask(server, `POST /${index}/_bulk?refresh=true`, lines.join(""));
    if ((JSON.parse(answer.toString()) as { errors: boolean }).errors) throw new Error(`"${index}" took not every document`);
  }
}

interface Description {
  readonly indices: readonly IndexDescription[];
  readonly objects: readonly unknown[];
  readonly fingerprints: readonly { readonly count: number; readonly digest: string }[];
}

async function describe(server: SearchServer): Promise<Description> {
  const inOrder = async <T>(names: readonly string[], look: (name: string) => Promise<T>): Promise<T[]> => {
    const found: T[] = [];
    for (const name of names) found.push(await look(name));
    return found;
  };
  return {
    indices: await inOrder(INDICES, (name) => describeIndex(server, name)),
    objects: await inOrder(OBJECTS, async (path) => withoutDates(JSON.parse((await ask(server, `GET /${path}`)).toString()))),
    fingerprints: await inOrder(INDICES.slice(0, 2), (name) => fingerprint(server, name)),
  };
}

/** The server notes when a template or pipeline was put. */
function withoutDates(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (key, inner) => (/_date(_millis)?$/.test(key) ? undefined : inner)));
}

async function compare(server: SearchServer, original: Description): Promise<void> {
  for (const name of INDICES) await ask(server, `POST /${name}/_refresh`);
  const restored = await describe(server);
  for (const [at, { count, digest }] of original.fingerprints.entries()) {
    const found = restored.fingerprints[at];
    const fact = `${INDICES[at]}: ${count.toLocaleString("en")} documents, SHA-256 over all ${digest.slice(0, 16)}…, as before`;
    check(found?.digest === digest && found.count === count, fact, `The documents of ${INDICES[at]} differ`);
  }
  const oddities = nastyDocuments();
  const differences = diffIndices(restoredContent(oddities), await readAll(server, INDICES[2] as string));
  check(differences.length === 0, `${INDICES[2]}: ${oddities.length} documents, each byte as before`, differences.join("\n"));
  for (const [at, name] of INDICES.entries()) {
    const isSame = isDeepStrictEqual(restored.indices[at], original.indices[at]);
    check(
      isSame,
      `${name}: settings, mappings and aliases as before`,
      `${name} differs: ${JSON.stringify([original.indices[at], restored.indices[at]])}`,
    );
  }
  check(
    isDeepStrictEqual(restored.objects, original.objects),
    "templates and pipeline as before",
    `Templates differ: ${JSON.stringify([original.objects, restored.objects])}`,
  );
}

async function countAll(server: SearchServer): Promise<number> {
  const answer = await ask(server, `GET /${INDICES.join(",")}/_count`);
  return (JSON.parse(answer.toString()) as { count: number }).count;
}

async function put(server: SearchServer, path: string, body: object): Promise<void> {
  await ask(server, `PUT /${path}`, JSON.stringify(body));
}

function ask(server: SearchServer, request: string, body?: string): Promise<Buffer> {
  throwIfStopped();
  return askServerOk(server, request, body);
}
