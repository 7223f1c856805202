// Ten ways in which documents were lost or changed while a backup or a restore said that all was well. Two are elsewhere: fault 3, an end by SIGTERM,
// in kill.test.ts; fault 9, memory that grows with the data, in test/integration/elasticsearch/read-slowly.test.ts.
import { type FaultyHttpProxy, type HttpFault, onFirst, startFaultyHttpProxy } from "../../fakes/faulty-http-proxy.ts";
import type { SearchServer } from "../../servers/search-server.ts";
import { useElasticsearch, useOpenSearch } from "../../servers/search-server-pool.ts";
import { fillIndex } from "../../tools/search-dataset.ts";
import { describeIndex, diffIndices, type IndexContent, readAll } from "../../tools/search-equality.ts";
import { type Outcome, runHoldfast } from "../holdfast-process.ts";
import { askOf, openScene, type SearchScene } from "./search-scene.ts";

const PAGE = /^POST \/_search\?(?!.*filter_path)/;

let server: SearchServer;

beforeAll(async () => {
  server = await useElasticsearch("8.19.4");
}, 240_000);
afterAll(() => server[Symbol.asyncDispose]());

const through = (proxy: FaultyHttpProxy, { store, prefix }: SearchScene) => ({
  backup: () => runHoldfast(["es-backup", "--url", proxy.endpoint, "--store", store, "--match", `${prefix}*`]),
  restore: () => runHoldfast(["es-restore", "--url", proxy.endpoint, "--store", store]),
});

/** A change of the answer's JSON; numbers within are those of the server's own accounts. */
const rewritten = (change: (answer: never) => void): HttpFault => ({
  kind: "rewrite answer",
  rewrite: (body) => {
    const answer = JSON.parse(body.toString()) as never;
    change(answer);
    return JSON.stringify(answer);
  },
});

const refusal = (status: number, type: string): HttpFault => ({
  ...{ kind: "answer", status, headers: { "content-type": "application/json" } },
  body: JSON.stringify({ error: { root_cause: [{ type, reason: "injected" }], type, reason: "injected" }, status }),
});

/** What came back, against what was there. */
async function expectRestored(scene: SearchScene, contents: Readonly<Record<string, IndexContent>>): Promise<void> {
  await scene.destroy();
  const restore = await scene.restore(["--verify-restored"]);
  expect(restore.exitCode).toBe(0);
  for (const [index, content] of Object.entries(contents)) expect(diffIndices(content, await readAll(server, index))).toEqual([]);
}

async function makeIndex(scene: SearchScene, documents: number): Promise<Record<string, IndexContent>> {
  const index = `${scene.prefix}-1`;
  await fillIndex(server, index, { documents, shards: 2 });
  await scene.ask(`PUT /${index}/_settings`, { "index.max_result_window": 1_000 });
  return { [index]: await readAll(server, index) };
}

test("fault 1: single documents that the target rejects with 429 are sent again, until it has taken each (D10)", async () => {
  await using scene = await openScene(server, "busy");
  await using proxy = await startFaultyHttpProxy(server.port);
  const contents = await makeIndex(scene, 3_000);
  await scene.backup();
  await scene.destroy();
  const rejecting = rewritten((answer: { errors: boolean; items: { index: Record<string, unknown> }[] }) => {
    answer.errors = true;
    answer.items = Array.from({ length: 3_000 }, (_, at) =>
      at % 10 === 0
        ? { index: { status: 429, error: { type: "es_rejected_execution_exception", reason: "injected" } } }
        : { index: { status: 201 } },
    ).slice(0, answer.items.length);
  });
  proxy.break(onFirst(rejecting, /_bulk/));

  const restore = await through(proxy, scene).restore();

  expect(proxy.brokenRequests).toBe(1);
  expect(restore.exitCode).toBe(0);
  expect(Number(restore.report?.facts.retriedItems)).toBeGreaterThan(0);
  for (const [index, content] of Object.entries(contents)) expect(diffIndices(content, await readAll(server, index))).toEqual([]);
});

test("fault 2: an answer that tells of failed shards is never taken for the end of the documents (D11)", async () => {
  await using scene = await openScene(server, "shards");
  await using proxy = await startFaultyHttpProxy(server.port);
  const contents = await makeIndex(scene, 5_000);
  let pages = 0;
  const failed = rewritten((page: { _shards: object; hits: { hits: unknown[] } }) => {
    const failures = [{ shard: 0, index: "x", reason: { type: "node_disconnected_exception", reason: "injected" } }];
    page._shards = { total: 1, successful: 0, skipped: 0, failed: 1, failures };
    page.hits.hits = [];
  });
  proxy.break(({ method, url }) => (PAGE.test(`${method} ${url}`) && ++pages === 3 ? failed : undefined));

  const backup = await through(proxy, scene).backup();

  expect(proxy.brokenRequests).toBe(1);
  expect(backup).toMatchObject({ exitCode: 0, report: { counts: { documents: 5_000 } } });
  await expectRestored(scene, contents);
});

test("fault 4: a mapping that the target does not know refuses the restore by name before anything is made", async () => {
  await using target = await useOpenSearch("3.8.0");
  await using scene = await openScene(server, "mapping");
  const [good, bad] = [`${scene.prefix}-1`, `${scene.prefix}-2`];
  await scene.ask(`PUT /${good}`, { mappings: { properties: { a: { type: "keyword" } } } });
  await scene.ask(`PUT /${bad}`, { mappings: { _source: { excludes: ["b"] }, properties: { v: { type: "dense_vector", dims: 2 } } } });
  await scene.backup();

  const restore = await scene.restoreInto(target);

  expect(restore).toMatchObject({ exitCode: 21, report: { outcome: "Failed" } });
  expect(restore.report?.message).toContain(`index ${bad} would be refused`);
  expect(restore.report?.message).toContain("dense_vector");
  expect(await namesIn(target, scene)).toEqual([]);
});

test("fault 5: an index that the user may not read fails the backup by name, whatever else is there", async () => {
  await using scene = await openScene(server, "forbidden");
  await using proxy = await startFaultyHttpProxy(server.port);
  await scene.ask(`PUT /${scene.prefix}-other`, {});
  await makeIndex(scene, 100);
  proxy.break(onFirst(refusal(403, "security_exception"), new RegExp(`^POST /${scene.prefix}-1/_pit`), 1_000));

  const backup = await through(proxy, scene).backup();

  expect(proxy.brokenRequests).toBeGreaterThan(0);
  expect(backup).toMatchObject({ exitCode: 21, report: { reason: "PermissionDenied" } });
  expect(JSON.parse((await scene.run("snapshots", ["--json"])).stdout)).toEqual([]);
});

test.each([
  ["fault 6: numbers beyond doubles stay as they are written (D9)", '{"n":[9223372036854775807,9007199254740993,1.0,1e3,-0.0,1E400]}'],
  ["fault 7: text that looks like a large number stays text, and 1.0 beside it a number (D9)", '{"t":"12345678901234567890","n":1.0}'],
])("%s", async (_, source) => {
  await using scene = await openScene(server, "numbers");
  const index = `${scene.prefix}-1`;
  await scene.ask(`PUT /${index}`, { mappings: { enabled: false } });
  await scene.ask(`PUT /${index}/_doc/1?refresh=true`, source);

  const backup = await scene.backup();

  expect(backup.exitCode).toBe(0);
  await expectRestored(scene, { [index]: new Map([['["1"]', Buffer.from(source)]]) });
});

test("fault 8: a stored field called timestamp, or as anything else of a bulk request, is a field and no instruction", async () => {
  await using scene = await openScene(server, "stored");
  const index = `${scene.prefix}-1`;
  const stored = Object.fromEntries(
    ["timestamp", "routing", "version", "parent", "ttl"].map((name) => [name, { type: "keyword", store: true }]),
  );
  await scene.ask(`PUT /${index}`, { mappings: { properties: stored } });
  await scene.ask(`PUT /${index}/_doc/1?refresh=true`, { timestamp: "2026", routing: "r", version: "7", parent: "p", ttl: "1d" });
  const before = await describeIndex(server, index);
  const contents = { [index]: await readAll(server, index) };

  const backup = await scene.backup();

  expect(backup.exitCode).toBe(0);
  await expectRestored(scene, contents);
  expect(await describeIndex(server, index)).toEqual(before);
  expect(await scene.ask(`GET /${index}/_search?stored_fields=timestamp`)).toMatchObject({
    hits: { hits: [{ fields: { timestamp: ["2026"] } }] },
  });
});

test("fault 10: documents that are refused for ever fail the restore, and are not printed", async () => {
  await using scene = await openScene(server, "printed");
  const index = `${scene.prefix}-1`;
  await scene.ask(`PUT /${index}`, { mappings: { dynamic: false } });
  await scene.ask(`PUT /${index}/_doc/1?refresh=true`, { a: "a canary" });
  await scene.backup();
  await scene.destroy();
  await scene.ask(`PUT /_index_template/${scene.prefix}`, {
    ...{ index_patterns: [index], priority: 4_000 },
    template: { mappings: { properties: { a: { type: "ip" } } } },
  });

  const restore = await scene.restore();

  expect(restore).toMatchObject({ exitCode: 21, report: { reason: "DocumentsRefused" } });
  expect(printedBy(restore)).not.toContain("canary");
});

test("a backup is of one instant: what is written while it reads is not in it, in no index (D15)", async () => {
  await using scene = await openScene(server, "instant");
  await using proxy = await startFaultyHttpProxy(server.port);
  const index = `${scene.prefix}-2`;
  await fillIndex(server, index, { documents: 500, seed: 2 });
  const contents = { ...(await makeIndex(scene, 2_000)), [index]: await readAll(server, index) };
  let state: "before" | "writing" | "written" = "before";
  const write = async () => {
    for (const each of Object.keys(contents)) {
      await scene.ask(`PUT /${each}/_doc/late?refresh=true`, { late: true });
      await scene.ask(`POST /${each}/_forcemerge?max_num_segments=1`);
    }
    state = "written";
  };
  // All cursors are open when the first page is asked for; no page is given out before all is written.
  proxy.break(({ method, url }) => {
    if (!PAGE.test(`${method} ${url}`) || state === "written") return undefined;
    if (state === "before") {
      state = "writing";
      void write();
    }
    return refusal(429, "es_rejected_execution_exception");
  });

  const backup = await through(proxy, scene).backup();

  expect(state).toBe("written");
  expect(proxy.brokenRequests).toBeGreaterThan(0);
  expect((await readAll(server, index)).size).toBe(501);
  expect(backup).toMatchObject({ exitCode: 0, report: { counts: { documents: 2_500 } } });
  await expectRestored(scene, contents);
});

function printedBy({ stdout, stderr, report }: Outcome): string {
  return stdout + stderr + JSON.stringify(report);
}

async function namesIn(target: SearchServer, { prefix }: SearchScene): Promise<string[]> {
  const { metadata } = (await askOf(target)("GET /_cluster/state/metadata")) as { metadata: { indices: object } };
  return Object.keys(metadata.indices).filter((name) => name.startsWith(prefix));
}
