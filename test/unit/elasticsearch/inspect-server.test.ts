import { inspectServer, isAtLeast } from "../../../functions/elasticsearch/inspect-server.ts";
import { type Answers, HEALTH, startScriptedCluster } from "./scripted-cluster.ts";

const ROOT = {
  cluster_name: "demo",
  cluster_uuid: "uuid-1",
  version: { number: "8.19.4", build_flavor: "default" },
  tagline: "You Know, for Search",
};
const OPENSEARCH = {
  ...ROOT,
  version: { number: "2.19.1", distribution: "opensearch" },
  tagline: "The OpenSearch Project: https://opensearch.org/",
};
const NOTHING = { status: 405, body: { error: "Incorrect HTTP method for uri [/]" } };
const FORBIDDEN = {
  status: 403,
  body: {
    error: {
      type: "security_exception",
      reason: "action [x] is unauthorized for user [u], this action is granted by the cluster privileges [monitor,manage,all]",
    },
  },
};
const nodes = (...versions: string[]) => ({ body: { nodes: Object.fromEntries(versions.map((version, n) => [`n${n}`, { version }])) } });
const healthy = { "/_cluster/health": { body: HEALTH } };

test.each<[string, Answers, object]>([
  ["Elasticsearch", { "/": { body: ROOT }, "/_nodes": nodes("8.19.4") }, { flavour: "elasticsearch", version: "8.19.4" }],
  ["OpenSearch", { "/": { body: OPENSEARCH }, "/_nodes": nodes("2.19.1") }, { flavour: "opensearch", version: "2.19.1" }],
  ["nodes of several versions", { "/": { body: ROOT }, "/_nodes": nodes("8.19.4", "8.9.0", "8.17.1") }, { version: "8.9.0" }],
  ["a service without GET /_nodes", { "/": { body: ROOT }, "/_nodes": { status: 403, body: { Message: "no" } } }, { version: "8.19.4" }],
  [
    "OpenSearch that calls itself 7.10.2",
    { "/": { body: { ...OPENSEARCH, version: { number: "7.10.2" } } }, "/_nodes": nodes("2.11.0") },
    { flavour: "opensearch", version: "2.11.0" },
  ],
])("%s is known", async (_, answers, server) => {
  await using cluster = await startScriptedCluster({ ...healthy, ...answers });

  expect(await inspectServer(cluster.transport)).toMatchObject({ ...server, id: "uuid-1", clusterName: "demo", dataNodes: 3 });
});

test("a distribution without GET / is known by its nodes and its state", async () => {
  const state = { "/_cluster/state/version": { body: { cluster_uuid: "uuid-2" } } };
  await using cluster = await startScriptedCluster({ ...healthy, ...state, "/": NOTHING, "/_nodes": nodes("9.2.8") });

  expect(await inspectServer(cluster.transport)).toMatchObject({ flavour: "elasticsearch", version: "9.2.8", id: "uuid-2" });
});

test.each<[string, Answers, object]>([
  ["serverless", { "/": { body: { ...ROOT, version: { number: "8.11.0", build_flavor: "serverless" } } } }, { reason: "NotSupported" }],
  ["too old", { "/": { body: { ...ROOT, version: { number: "6.8.23" } } }, "/_nodes": nodes("6.8.23") }, { reason: "NotSupported" }],
  ["hiding its version", { "/": { body: { ...OPENSEARCH, version: { number: "7.10.2" } } } }, { reason: "VersionHidden" }],
  ["something else", { "/": { body: { hello: "world" } } }, { reason: "NotASearchServer" }],
  ["something else that has no GET / either", { "/": { status: 404, body: {} } }, { reason: "NotASearchServer" }],
  ["not to be looked at", { "/": FORBIDDEN }, { reason: "PermissionDenied", hint: 'Give the user the cluster privilege "monitor"' }],
  ["not to be looked at, without GET /", { "/": NOTHING, "/_nodes": FORBIDDEN }, { reason: "PermissionDenied" }],
  ["without health", { "/": { body: ROOT }, "/_cluster/health": FORBIDDEN }, { reason: "PermissionDenied" }],
])("a server that is %s is refused by name", async (_, answers, error) => {
  await using cluster = await startScriptedCluster({ ...healthy, ...answers });

  await expect(inspectServer(cluster.transport)).rejects.toMatchObject({ exitCode: 21, ...error });
});

test("a node that has no cluster yet is not ready", async () => {
  await using cluster = await startScriptedCluster({ ...healthy, "/": { body: { ...ROOT, cluster_uuid: "_na_" } } });

  await expect(inspectServer(cluster.transport)).rejects.toMatchObject({ exitCode: 20, reason: "ClusterNotReady" });
});

test("health that is none is an unexpected answer", async () => {
  await using cluster = await startScriptedCluster({ "/": { body: ROOT }, "/_cluster/health": { body: {} } });

  await expect(inspectServer(cluster.transport)).rejects.toMatchObject({ exitCode: 20, reason: "UnexpectedAnswer" });
});

test.each([
  ["8.19.4", "8.19", true],
  ["8.19.4", "8.19.4", true],
  ["8.19.4", "8.19.5", false],
  ["8.9.0", "8.19", false],
  ["10.0.0", "9.2", true],
  ["9.0.0-SNAPSHOT", "9.0", true],
  ["7.17.29", "8", false],
])("Elasticsearch %s is at least %s: %s, and never an OpenSearch", (version, wanted, isSo) => {
  expect(isAtLeast({ flavour: "elasticsearch", version }, "elasticsearch", wanted)).toBe(isSo);
  expect(isAtLeast({ flavour: "elasticsearch", version }, "opensearch", wanted)).toBe(false);
});
