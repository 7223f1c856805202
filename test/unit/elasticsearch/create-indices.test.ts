import { createIndices } from "../../../functions/elasticsearch/create-indices.ts";
import type { IndexPlan } from "../../../functions/elasticsearch/restore-plan.ts";
import { DatabaseRefusedError, DatabaseUnavailableError } from "../../../runner/errors.ts";
import { entryOf } from "./restorable-scene.ts";
import { startScriptedCluster } from "./scripted-cluster.ts";

const CREATED = { body: { acknowledged: true, shards_acknowledged: true } };
const DELETED = { body: { acknowledged: true } };
const REFUSED = { status: 400, body: { error: { type: "illegal_argument_exception", reason: "no such tokenizer" } } };

function planOf(target: string, settings: Record<string, unknown> = {}, mappings = {}): IndexPlan {
  return { target, creation: { settings, mappings }, entry: entryOf(target) } as unknown as IndexPlan;
}

const read = (settings: Record<string, unknown>, mappings = {}, aliases = {}) => ({ settings, mappings, aliases });

test("when one index is refused, those that were created are deleted, and no other", async () => {
  await using cluster = await startScriptedCluster({ "/a": [CREATED, DELETED], "/b": REFUSED });

  const creating = createIndices(cluster.transport, [planOf("a"), planOf("b")], { warn: () => {} });

  await expect(creating).rejects.toThrow(/^Cannot create index "b" at .*: no such tokenizer$/);
  expect(cluster.requests.map(({ method, url }) => `${method} ${url}`).toSorted()).toEqual([
    "DELETE /a?ignore_unavailable=true",
    "PUT /a",
    "PUT /b",
  ]);
});

test("what could not be deleted again is in the error's facts", async () => {
  await using cluster = await startScriptedCluster({ "/a": [CREATED, { status: 503, body: {} }], "/b": REFUSED });

  const creating = createIndices(cluster.transport, [planOf("a"), planOf("b")], { warn: () => {} });

  await expect(creating).rejects.toMatchObject({ facts: { createdIndices: ["a"] } });
});

test("an index that was asked for without an answer is named, and not deleted: it could be another's", async () => {
  await using cluster = await startScriptedCluster({ "/a": { status: 503, body: {} } });

  const creating = createIndices(cluster.transport, [planOf("a")], { warn: () => {} });

  await expect(creating).rejects.toMatchObject({ facts: { createdIndices: ["a"] }, hint: "Created or not, there was no answer: a" });
  expect(cluster.requests.map(({ method }) => method)).toEqual(["PUT"]);
});

test("an index whose shards do not start in time is no index", async () => {
  const slow = { body: { acknowledged: true, shards_acknowledged: false } };
  await using cluster = await startScriptedCluster({ "/a": [slow, DELETED] });

  const creating = createIndices(cluster.transport, [planOf("a")], { warn: () => {} });

  await expect(creating).rejects.toThrow(DatabaseUnavailableError);
  expect(cluster.requests.map(({ method }) => method)).toEqual(["PUT", "DELETE"]);
});

test.each([
  { what: "setting", has: read({ "index.number_of_shards": "5" }), says: 'setting index.number_of_shards is "5" instead of "2"' },
  { what: "missing setting", has: read({}), says: 'setting index.number_of_shards is undefined instead of "2"' },
  {
    what: "mapping",
    has: read({ "index.number_of_shards": "2" }, { properties: { a: { type: "text" } } }),
    says: "mapping properties.a.type differs",
  },
])("a $what that a template contradicts refuses the restore, and the index is deleted", async ({ has, says }) => {
  await using cluster = await startScriptedCluster({ "/a": [CREATED, { body: { a: has } }, DELETED] });
  const plan = planOf("a", { "index.number_of_shards": "2" }, { properties: { a: { type: "keyword" } } });

  const creating = createIndices(cluster.transport, [plan], { warn: () => {} });

  await expect(creating).rejects.toThrow(says);
  await expect(creating).rejects.toThrow(DatabaseRefusedError);
  expect(cluster.requests.at(-1)).toMatchObject({ method: "DELETE", url: "/a?ignore_unavailable=true" });
});

test("what a template adds is told, what servers add by themselves is not", async () => {
  const added = { "index.codec": "best_compression", "index.uuid": "x", "index.version.created": "1", "index.default_pipeline": null };
  const has = read({ "index.number_of_shards": "2", ...added }, { properties: { a: { type: "keyword" } } }, { alias: {} });
  await using cluster = await startScriptedCluster({ "/a": [CREATED, { body: { a: has } }] });
  const warnings: string[] = [];

  await createIndices(cluster.transport, [planOf("a", { "index.number_of_shards": 2 })], {
    warn: (reason, message) => warnings.push(`${reason}: ${message}`),
  });

  expect(warnings).toEqual([
    'IndexHasMore: Index "a" has more than in the snapshot, by a template of the target: setting index.codec, mapping properties, alias alias',
  ]);
});

test("settings that an index can do without are left out one after the other, each told once with its indices", async () => {
  const unknown = (name: string) => ({
    status: 400,
    body: {
      error: {
        type: "illegal_argument_exception",
        reason: `unknown setting [${name}] please check that any required plugins are installed`,
      },
    },
  });
  await using cluster = await startScriptedCluster({
    "/a": [unknown("index.knn"), unknown("index.lifecycle.name"), CREATED],
    "/b": [unknown("index.knn"), CREATED],
    "/a,b": { body: { a: read({ "index.number_of_shards": "1" }), b: read({}) } },
  });
  const warnings: string[] = [];
  const plans = [
    planOf("a", { "index.knn": "true", "index.lifecycle.name": null, "index.number_of_shards": "1" }),
    planOf("b", { "index.knn": "true" }),
  ];

  await createIndices(cluster.transport, plans, { warn: (_, message) => warnings.push(message) });

  const lastOfA = cluster.requests.filter(({ url }) => url === "/a").at(-1);
  expect(JSON.parse(lastOfA?.body ?? "")).toEqual({ settings: { "index.number_of_shards": "1" }, mappings: {} });
  expect(warnings).toEqual([expect.stringMatching(/^The target does not know the setting "index\.knn": left out of (a, b|b, a)$/)]);
});
