import { assertRestorable } from "../../../functions/elasticsearch/assert-restorable.ts";
import { planRestore } from "../../../functions/elasticsearch/plan-restore.ts";
import { entryOf, PARAMETERS, snapshotOf, targetOf } from "./restorable-scene.ts";
import { startScriptedCluster } from "./scripted-cluster.ts";

const SERVER = { flavour: "elasticsearch", version: "8.19.4", id: "x", clusterName: "demo", dataNodes: 1 } as const;
const refusal = (reason: string) => ({
  status: 400,
  body: {
    error: { type: "illegal_argument_exception", reason: "template is invalid", caused_by: { type: "mapper_parsing_exception", reason } },
  },
});
const ACCEPTED = { body: { template: {}, overlapping: [] } };

test("all faults are in one message, with what the target would say", async () => {
  await using cluster = await startScriptedCluster({ "/_index_template/_simulate": refusal("No handler for type [flattened]") });
  const snapshot = snapshotOf([entryOf("a"), entryOf("b")], { ingestPipelines: { p: { processors: [] } } });
  const existing = targetOf({ indices: ["a"], objects: { ingestPipelines: { p: { processors: [{}] } } } });

  const asserting = assertRestorable(cluster.transport, SERVER, planRestore(snapshot, existing, PARAMETERS));

  await expect(asserting).rejects.toMatchObject({
    reason: "TargetNotEmpty",
    message: expect.stringMatching(
      /these exist: index a, ingest pipeline p \(exists with another content\); index a would be refused: .*; index b would be refused: template is invalid: No handler for type \[flattened\]$/,
    ),
    facts: { existing: ["index a", "ingest pipeline p"], unrestorable: ["index a", "index b"] },
  });
});

test("nothing is written, nothing but what can be known is asked, and a target that takes all of it passes", async () => {
  await using cluster = await startScriptedCluster({
    "/_index_template/_simulate": ACCEPTED,
    "/_index_template/_simulate/t": ACCEPTED,
    "/_index_template": { body: { index_templates: [] } },
  });
  const snapshot = snapshotOf([entryOf("a")], { indexTemplates: { t: { index_patterns: ["a*"], composed_of: ["c"], template: {} } } });

  await assertRestorable(cluster.transport, SERVER, planRestore(snapshot, targetOf(), PARAMETERS));

  const simulated = cluster.requests.find(({ url }) => url.endsWith("/_simulate/t"));
  expect(cluster.requests.every(({ method, url }) => method === "GET" || url.includes("/_simulate"))).toBe(true);
  expect(JSON.parse(simulated?.body ?? "")).toEqual({ index_patterns: ["a*"], template: { settings: {}, mappings: {} } });
});

test.each([
  { status: 403, body: { error: { type: "security_exception", reason: "unauthorized" } } },
  { status: 405, body: { error: "Incorrect HTTP method" } },
  { status: 400, body: { error: "no handler found for uri [/_index_template/_simulate] and method [POST]" } },
])("where nothing can be tried beforehand ($status), creating the indices will tell", async (answer) => {
  await using cluster = await startScriptedCluster({ "/_index_template/_simulate": answer });

  await assertRestorable(cluster.transport, SERVER, planRestore(snapshotOf([entryOf("a")]), targetOf(), PARAMETERS));

  expect(cluster.requests).toHaveLength(1);
});

test.each([400, 405])("objects of a kind that the target does not have (%d) are refused before the documents", async (status) => {
  await using cluster = await startScriptedCluster({ "/_enrich/policy": { status, body: { error: "no handler found" } } });
  const snapshot = snapshotOf([], { enrichPolicies: { e: { match: { indices: "a" } } } });

  const asserting = assertRestorable(cluster.transport, SERVER, planRestore(snapshot, targetOf(), PARAMETERS));

  await expect(asserting).rejects.toThrow("enrich policy e is nothing that the target knows; --indices-only restores without");
});

test("an overloaded target is no target that takes everything", async () => {
  await using cluster = await startScriptedCluster({ "/_index_template/_simulate": { status: 503, body: {} } });

  await expect(
    assertRestorable(cluster.transport, SERVER, planRestore(snapshotOf([entryOf("a")]), targetOf(), PARAMETERS)),
  ).rejects.toThrow("503");
});
