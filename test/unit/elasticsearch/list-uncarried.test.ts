import { listUncarried } from "../../../functions/elasticsearch/list-uncarried.ts";
import { answerJson, openTransport, startScriptedHttp } from "./scripted-http-server.ts";

const server = { version: "8.19.4", id: "u", clusterName: "c", dataNodes: 1 };

async function list(
  flavour: "elasticsearch" | "opensearch",
  answers: Readonly<Record<string, unknown>>,
  statuses: Readonly<Record<string, number>> = {},
) {
  await using http = await startScriptedHttp(({ url }, response) => {
    const path = url.split("?")[0] ?? "";
    if (path in answers) answerJson(response, answers[path], statuses[path] ?? 200);
    else answerJson(response, { error: `no handler found for uri [${path}] and method [GET]` }, 400);
  });
  await using transport = openTransport(http.port);
  const found = await listUncarried(transport, { ...server, flavour });
  return Object.fromEntries(found.map(({ name, reason }) => [name, reason]));
}

test("All that exists and is not carried is named, and what the server brings is not", async () => {
  const found = await list("elasticsearch", {
    "/_cluster/settings": { persistent: { "cluster.max_shards_per_node": "2000" }, transient: { "a.b": "1" } },
    "/_snapshot": { backups: { type: "s3", settings: { bucket: "b" } } },
    "/_transform": { count: 1, transforms: [{ id: "daily", source: {} }] },
    "/_watcher/_query/watches": { count: 1, watches: [{ _id: "disk", watch: {} }] },
    "/_slm/policy": { nightly: { policy: {} } },
    "/_rollup/job/_all": { jobs: [{ config: { id: "old" } }] },
    "/_synonyms": { count: 1, results: [{ synonyms_set: "words", count: 3 }] },
    "/_query_rules": { count: 1, results: [{ ruleset_id: "rules" }] },
    "/_inference/_all": { endpoints: [{ inference_id: ".elser-2-elasticsearch" }, { inference_id: "mine" }] },
    "/_ml/anomaly_detectors": { count: 1, jobs: [{ job_id: "odd" }] },
    "/_ml/data_frame/analytics": { count: 0, data_frame_analytics: [] },
    "/_ml/trained_models": {
      count: 2,
      trained_model_configs: [{ model_id: "lang_ident_model_1", created_by: "_xpack" }, { model_id: "own" }],
    },
    "/_ccr/auto_follow": { patterns: [{ name: "follow", pattern: {} }] },
    "/_logstash/pipeline": { main: { pipeline: "" } },
    "/_application/search_application": { count: 0, results: [] },
  });

  expect(Object.keys(found)).toEqual([
    "cluster-setting:cluster.max_shards_per_node",
    "repository:backups",
    "transform:daily",
    "watch:disk",
    "snapshot-policy:nightly",
    "rollup:old",
    "synonyms:words",
    "query-rules:rules",
    "inference:mine",
    "anomaly-detector:odd",
    "trained-model:own",
    "auto-follow:follow",
    "logstash-pipeline:main",
  ]);
  expect(JSON.stringify(found)).not.toContain("2000");
});

test("Objects of OpenSearch's plugins are named", async () => {
  const found = await list("opensearch", {
    "/_plugins/_transform": { total_transforms: 1, transforms: [{ _id: "daily" }] },
    "/_plugins/_rollup/jobs": { total_rollups: 1, rollups: [{ _id: "old" }] },
    "/_plugins/_sm/policies": { total_policies: 1, policies: [{ _id: "nightly-sm-policy" }] },
    "/_cluster/state/metadata": { cluster_uuid: "u", metadata: { view: { view: { v1: { name: "v1" } } } } },
  });

  expect(Object.keys(found)).toEqual(["transform:daily", "rollup:old", "snapshot-policy:nightly-sm-policy", "view:v1"]);
});

test("More than a page of them is said as a number", async () => {
  const found = await list("elasticsearch", { "/_transform": { count: 1_200, transforms: [{ id: "daily" }] } });

  expect(found["transform:*"]).toBe("This release does not carry transforms; there are 1199 more");
});

test("A kind that the user may not list is a line, and no reason to fail", async () => {
  const found = await list(
    "elasticsearch",
    { "/_snapshot": { error: { type: "security_exception", reason: "no" } } },
    { "/_snapshot": 403 },
  );

  expect(found).toEqual({ "repository:*": "This release does not carry snapshot repositories, and this user may not list them" });
});

test.each([
  ["a failing server", { error: { type: "x", reason: "y" } }, 500, "DatabaseRefused"],
  ["an answer of another shape", { transforms: "none" }, 200, "UnexpectedAnswer"],
])("%s is an error", async (_, body, status, reason) => {
  await expect(list("elasticsearch", { "/_transform": body }, { "/_transform": status })).rejects.toMatchObject({ reason });
});
