import { askServer, type SearchServer } from "../../servers/search-server.ts";
import { useOpenSearch } from "../../servers/search-server-pool.ts";
import { diffIndices, type IndexContent, readAll } from "../../tools/search-equality.ts";
import { putDocuments } from "../../tools/search-nasty-documents.ts";
import { JOIN_INDEX, joinDocuments } from "../../tools/search-related-documents.ts";
import { describeCluster } from "./sample-cluster.ts";
import { openScene, type SearchScene } from "./search-scene.ts";

const SERVERS = [
  { name: "OpenSearch 2.19.1", use: () => useOpenSearch("2.19.1") },
  { name: "OpenSearch 3.8.0", use: () => useOpenSearch("3.8.0") },
];

describe.each(SERVERS)("$name", ({ use }) => {
  let server: SearchServer;
  beforeAll(async () => {
    server = await use();
  }, 240_000);
  afterAll(() => server[Symbol.asyncDispose]());

  test("data streams, joins, scripts and pipelines come back, and no document goes through a pipeline twice", async () => {
    await using scene = await openScene(server, "walk");
    const { prefix } = scene;
    await fill(scene);
    const before = await describeCluster(server, prefix);
    const scripts = await scriptsOf(scene);
    const joined = await readAll(server, `${prefix}-join`);
    const piped = await readAll(server, `${prefix}-piped`);
    const logs = await streamContent(scene);

    const backup = await scene.backup();
    const unchanged = await scene.backup();
    await scene.destroy();
    const restore = await scene.restore(["--verify-restored"]);

    expect(backup).toMatchObject({ exitCode: 0, report: { counts: { indices: 5 } } });
    expect(unchanged).toMatchObject({ exitCode: 0, report: { counts: { unchangedIndices: 5 } } });
    expect(restore).toMatchObject({ exitCode: 0, report: { counts: { dataStreams: 1, storedScripts: 1, ingestPipelines: 1 } } });
    const after = await describeCluster(server, prefix);
    expect(after.objects).toEqual(before.objects);
    for (const index of [`${prefix}-join`, `${prefix}-piped`]) expect(after.indices[index]).toEqual(before.indices[index]);
    expect(await scriptsOf(scene)).toEqual(scripts);
    expect(diffIndices(joined, await readAll(server, `${prefix}-join`))).toEqual([]);
    expect(diffIndices(piped, await readAll(server, `${prefix}-piped`))).toEqual([]);
    expect(diffIndices(logs, await streamContent(scene))).toEqual([]);
    const children = { query: { has_child: { type: "answer", query: { match_all: {} } } } };
    expect(await scene.ask(`GET /${prefix}-join/_count`, children)).toMatchObject({ count: 10 });
    const written = await askServer(server, `POST /${prefix}-logs/_doc`, '{"@timestamp":"2026-04-01"}');
    expect(written.body.toString()).toContain("no ingest nodes");
  });
});

/**
 * A stream of three indices, and a plain index, that came to have a pipeline; documents that belong together. No node of the server runs pipelines:
 * whoever sends a document through one is refused.
 */
async function fill({ server, prefix, ask }: SearchScene): Promise<void> {
  const script = { lang: "painless", source: "ctx.seen = (ctx.seen == null ? 0 : ctx.seen) + params.by" };
  await ask(`PUT /_scripts/${prefix}-count`, { script });
  const processors = [{ script: { id: `${prefix}-count`, params: { by: 1 } } }, { set: { field: "by", value: "é" } }];
  await ask(`PUT /_ingest/pipeline/${prefix}-count`, { processors });
  const putTemplate = (settings: object) =>
    ask(`PUT /_index_template/${prefix}-logs`, {
      ...{ index_patterns: [`${prefix}-logs*`], data_stream: {}, priority: 900 },
      template: { settings: { number_of_replicas: 0, refresh_interval: "9s", ...settings } },
    });
  await putTemplate({});
  for (const month of ["01", "02", "03"]) {
    const lines = Array.from(
      { length: 20 },
      (_, at) => `{"create":{"_id":"${month}-${at}"}}\n{"@timestamp":"2026-${month}-02","n":${at}.0}\n`,
    );
    if (month !== "01") await ask(`POST /${prefix}-logs/_rollover`);
    await ask(`POST /${prefix}-logs/_bulk?refresh=true`, lines.join(""));
  }
  await ask(`PUT /${prefix}-piped`, { settings: { number_of_replicas: 0 } });
  await ask(`PUT /${prefix}-piped/_doc/1?refresh=true`, { a: 1 });
  const pipelines = { default_pipeline: `${prefix}-count`, final_pipeline: `${prefix}-count` };
  await putTemplate(pipelines);
  await ask(`PUT /${prefix}-logs,${prefix}-piped/_settings`, { index: pipelines });
  await ask(`PUT /${prefix}-join`, JOIN_INDEX);
  await putDocuments(server, `${prefix}-join`, joinDocuments());
}

async function scriptsOf({ ask, prefix }: SearchScene): Promise<unknown> {
  return ask(`GET /_scripts/${prefix}-count`);
}

/** Whatever its indices are called. */
async function streamContent({ server, prefix, ask }: SearchScene): Promise<IndexContent> {
  const { data_streams } = (await ask(`GET /_data_stream/${prefix}-logs`)) as { data_streams: { indices: { index_name: string }[] }[] };
  const indices = data_streams.flatMap(({ indices }) => indices.map(({ index_name }) => index_name));
  const contents: [string, Buffer][] = [];
  for (const index of indices) contents.push(...(await readAll(server, index)));
  return new Map(contents);
}
