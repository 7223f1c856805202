// Every server of the tests restored into every other: what comes of it stands in docs/elasticsearch-versions.md, and has to be what is said there.
import { writeFileSync } from "node:fs";
import type { SearchServer } from "../../servers/search-server.ts";
import { useElasticsearch, useOpenSearch } from "../../servers/search-server-pool.ts";
import { diffIndices, type IndexContent } from "../../tools/search-equality.ts";
import { MATRIX_RESULT, readVersionMatrix, type VersionMatrix } from "../../tools/version-matrix.ts";
import type { Outcome } from "../holdfast-process.ts";
import { asRestored, type ClusterDescription, describeCluster, fillPortableThings, readContents } from "./sample-cluster.ts";
import { destroyAll, openScene, type SearchScene } from "./search-scene.ts";

const SERVERS: Readonly<Record<string, () => Promise<SearchServer>>> = {
  "Elasticsearch 7.17.29": () => useElasticsearch("7.17.29"),
  "Elasticsearch 8.19.4": () => useElasticsearch("8.19.4"),
  "Elasticsearch 9.2.8": () => useElasticsearch("9.2.8"),
  "OpenSearch 2.19.1": () => useOpenSearch("2.19.1"),
  "OpenSearch 3.8.0": () => useOpenSearch("3.8.0"),
};
const NAMES = Object.keys(SERVERS);
const PAIRS = NAMES.flatMap((source) => NAMES.map((target) => [source, target] as const));

interface Source {
  readonly scene: SearchScene;
  readonly contents: ReadonlyMap<string, IndexContent>;
  readonly description: ClusterDescription;
}

const servers = new Map<string, SearchServer>();
const sources = new Map<string, Source>();
const found: Record<string, Record<string, string>> = {};

// Five cold starts, if nobody else has used them.
beforeAll(async () => {
  for (const [name, use] of Object.entries(SERVERS)) servers.set(name, await use());
}, 600_000);
afterAll(async () => {
  for (const { scene } of sources.values()) await scene[Symbol.asyncDispose]();
  for (const server of servers.values()) await server[Symbol.asyncDispose]();
  const file = process.env[MATRIX_RESULT];
  if (file !== undefined) writeFileSync(file, JSON.stringify(found satisfies VersionMatrix));
});

describe.each(NAMES)("what %s holds", (source) => {
  test("is backed up", async () => {
    const server = servers.get(source) as SearchServer;
    const scene = await openScene(server, "matrix");
    const indices = await fillPortableThings(server, scene.prefix);
    const contents = asRestored(await readContents(server, indices));
    sources.set(source, { scene, contents, description: await describeCluster(server, scene.prefix) });

    const backup = await scene.backup();
    await scene.destroy();

    expect(backup).toMatchObject({ exitCode: 0, report: { counts: { indices: indices.length } } });
  });

  test.each(PAIRS.filter(([from]) => from === source))("%s → %s: as the table of versions says", async (_, target) => {
    const { scene, contents, description } = sources.get(source) as Source;
    const server = servers.get(target) as SearchServer;

    const restore = await scene.restoreInto(server, ["--verify-restored"]);
    const outcome = restore.exitCode === 0 ? await compare(server, { scene, contents, description }) : refusalOf(restore, scene.prefix);
    await destroyAll(server, scene.prefix);

    const cell = [outcome, ...warningsOf(restore)].join("; ");
    found[source] = { ...found[source], [target]: cell };
    const table = process.env[MATRIX_RESULT] === undefined ? readVersionMatrix() : found;
    const anew = "when this is right now: node test/tools/write-version-matrix.ts";
    expect({ cell, anew }).toEqual({ cell: table[source]?.[target], anew });
  });
});

/** "equal", or the first difference. */
async function compare(server: SearchServer, { scene, contents, description }: Source): Promise<string> {
  const restored = await readContents(server, [...contents.keys()]);
  for (const [name, content] of contents) {
    const [difference] = diffIndices(content, restored.get(name) as IndexContent);
    if (difference !== undefined) return `DIFFERENT documents: ${name} ${difference}`;
  }
  const now = await describeCluster(server, scene.prefix);
  for (const [name, { settings, ...rest }] of Object.entries(description.indices)) {
    const { settings: others, ...restNow } = now.indices[name] as (typeof now.indices)[string];
    expect({ name, ...restNow }).toEqual({ name, ...rest });
    expect({ name, ...userSettings(others) }).toEqual({ name, ...userSettings(settings) });
  }
  expect(now.objects).toEqual(description.objects);
  return "equal";
}

/** Without what each server gives every index by itself. */
function userSettings(settings: Readonly<Record<string, unknown>>): object {
  const own = /^index\.(replication\.type|routing\.allocation\.include\._tier_preference)$/;
  return Object.fromEntries(Object.entries(settings).filter(([name]) => !own.test(name)));
}

function refusalOf({ exitCode, report }: Outcome, prefix: string): string {
  const { reason, message } = report ?? { reason: "none", message: "no report" };
  return `refused with ${exitCode} ${reason}: ${message.replaceAll(`${prefix}-`, "").replace(/https?:\/\/[^ :]+:\d+/g, "the target")}`;
}

function warningsOf({ report }: Outcome): string[] {
  return [...new Set((report?.warnings ?? []).map(({ reason }) => reason))].sort();
}
