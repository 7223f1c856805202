import type { SearchServer } from "../../servers/search-server.ts";
import { uniqueName, useOpenSearch } from "../../servers/search-server-pool.ts";
import { RestoreScene, refusalOf } from "./restore-scene.ts";

const SERVERS = [
  { name: "OpenSearch 2.19.1", method: "replay", use: () => useOpenSearch("2.19.1") },
  { name: "OpenSearch 3.8.0", method: "modify", use: () => useOpenSearch("3.8.0") },
];

describe.each(SERVERS)("$name", ({ method, use }) => {
  let server: SearchServer;
  beforeAll(async () => {
    server = await use();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  test("a data stream comes back with the documents of each of its indices, in their order", async () => {
    await using scene = await RestoreScene.open(server, uniqueName("s"));
    const stream = `${scene.prefix}-logs`;
    await makeStream(scene, stream, [2, 0, 3]);
    const snapshot = await scene.take();
    await scene.ask(`DELETE /_data_stream/${stream}`);
    await scene.ask(`DELETE /_index_template/${scene.prefix}-t`);

    const restored = await scene.restore(snapshot);

    const again = await scene.take();
    const indices = again.catalog.dataStreams[stream]?.indices ?? [];
    expect(restored.plan.dataStreams).toMatchObject([{ target: stream, action: "create", method }]);
    expect(restored.counted).toBe(5);
    expect(restored.report.counts).toMatchObject({ dataStreams: 1, indexTemplates: 1 });
    expect(indices.map((name) => again.hits.get(name)?.length)).toEqual(method === "replay" ? [2, 0, 3] : [2, 0, 3, 0]);
    expect(again.entries.map(({ settings }) => settings["index.refresh_interval"])).toEqual(indices.map(() => "9s"));
    expect(idsOf(again)).toEqual(idsOf(snapshot));
    await scene.write(stream, [{ id: "new", source: { "@timestamp": "2026-02-01" } }], "create");
    expect(await scene.ask(`GET /${stream}/_count`)).toMatchObject({ count: 6 });
  });

  test("a data stream that exists is refused by name, left whole, or replaced whole", async () => {
    await using scene = await RestoreScene.open(server, uniqueName("s"));
    const stream = `${scene.prefix}-logs`;
    await makeStream(scene, stream, [1, 1]);
    const snapshot = await scene.take();
    await scene.write(stream, [{ id: "new", source: { "@timestamp": "2026-02-01" } }], "create");

    const refused = await refusalOf(scene.plan(snapshot).then((plan) => scene.prepare(plan)));
    const skipped = await scene.restore(snapshot, { policy: "skip" });
    const afterSkip = idsOf(await scene.take());
    const replaced = await scene.restore(snapshot, { policy: "replace" });
    const afterReplace = idsOf(await scene.take());
    const replacedAgain = await scene.restore(await scene.take(), { policy: "replace" });

    expect(refused.message).toContain(`data stream ${stream}`);
    expect(skipped.counted).toBe(0);
    expect(skipped.plan.notes).toMatchObject([
      { reason: "StreamSkipped", message: expect.stringContaining(`data stream ${stream} exists`) },
    ]);
    expect(afterSkip).toContain("new");
    expect(replaced.counted).toBe(2);
    expect(afterReplace).toEqual(idsOf(snapshot));
    expect(replacedAgain.counted).toBe(2);
  });

  test("a restore that broke off in the middle is repeated with --policy replace", async () => {
    await using scene = await RestoreScene.open(server, uniqueName("s"));
    const stream = `${scene.prefix}-logs`;
    await makeStream(scene, stream, [2, 1]);
    const snapshot = await scene.take();
    await scene.ask(`DELETE /_data_stream/${stream}`);
    const plan = await scene.plan(snapshot);
    const broken = await scene.prepare(plan);
    await broken.loadTarget(plan.indices[0]!);

    const { counted } = await scene.restore(snapshot, { policy: "replace" });

    expect(counted).toBe(3);
    expect(idsOf(await scene.take())).toEqual(idsOf(snapshot));
  });

  test("under another name it needs a template that fits, which is asked for before anything is written", async () => {
    await using scene = await RestoreScene.open(server, uniqueName("s"));
    const stream = `${scene.prefix}-logs`;
    await makeStream(scene, stream, [1, 2]);
    const snapshot = await scene.take();
    const rename = `^${scene.prefix}-logs$=copy-$&`;

    const refused = await refusalOf(scene.plan(snapshot, { rename }).then((plan) => scene.prepare(plan)));
    await scene.ask(`PUT /_index_template/${scene.prefix}-copies`, { index_patterns: [`copy-${scene.prefix}*`], data_stream: {} });
    const { counted } = await scene.restore(snapshot, { rename });

    const copy = await scene.take(`copy-${scene.prefix}`);
    expect(refused.message).toContain(`data stream copy-${stream} has no index template in the target that would make it`);
    expect(counted).toBe(3);
    expect(idsOf(copy)).toEqual(idsOf(snapshot));
    expect(idsOf(await scene.take())).toEqual(idsOf(snapshot));
  });
});

/** With so many documents in each of its indices. */
async function makeStream(scene: RestoreScene, stream: string, sizes: readonly number[]): Promise<void> {
  await scene.ask(`PUT /_index_template/${scene.prefix}-t`, {
    index_patterns: [`${scene.prefix}*`],
    data_stream: {},
    priority: 500,
    template: { settings: { number_of_replicas: 0, refresh_interval: "9s" }, mappings: { properties: { host: { type: "keyword" } } } },
  });
  await scene.ask(`PUT /_data_stream/${stream}`);
  for (const [at, size] of sizes.entries()) {
    if (at > 0) await scene.ask(`POST /${stream}/_rollover`);
    const documents = Array.from({ length: size }, (_, n) => ({ id: `${at}-${n}`, source: { "@timestamp": "2026-01-01", host: `h${n}` } }));
    if (size > 0) await scene.write(stream, documents, "create");
  }
}

function idsOf({ hits }: { hits: ReadonlyMap<string, readonly { _id: string }[]> }): string[] {
  return [...hits.values()].flatMap((found) => found.map(({ _id }) => _id)).sort();
}
