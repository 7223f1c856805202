import { waitUntilReady } from "../../../functions/elasticsearch/wait-until-ready.ts";
import { InterruptedError } from "../../../runner/errors.ts";
import { type Answers, HEALTH, startScriptedCluster } from "./scripted-cluster.ts";

const ROOT = { cluster_name: "demo", cluster_uuid: "uuid-1", version: { number: "8.19.4" } };
const READY: Answers = { "/": { body: ROOT }, "/_cluster/health": { body: HEALTH } };
const error = (status: number, type: string) => ({ status, body: { error: { type, reason: type } } });
const RED = { body: { ...HEALTH, status: "red", indices: { a: { status: "red" }, b: { status: "green" }, c: { status: "red" } } } };

test.each<[string, Answers]>([
  ["has not recovered its state", { "/": [error(503, "cluster_block_exception"), { body: ROOT }] }],
  ["has no master", { "/_cluster/health": [error(503, "master_not_discovered_exception"), { body: HEALTH }] }],
  ["has no cluster", { "/": [{ body: { ...ROOT, cluster_uuid: "_na_" } }, { body: ROOT }] }],
  ["is busy", { "/": [error(429, "circuit_breaking_exception"), { body: ROOT }] }],
  ["is not behind its proxy yet", { "/": [{ status: 502, body: "" }, { body: ROOT }] }],
  ["is red", { "/_cluster/health": [RED, RED, { body: { ...HEALTH, status: "yellow" } }] }],
])("R6: a server that %s is waited for", async (_, answers) => {
  await using cluster = await startScriptedCluster({ ...READY, ...answers });
  const { options, logged, warned } = wait(60_000);

  expect(await waitUntilReady(cluster.transport, options)).toMatchObject({ id: "uuid-1" });
  expect([logged, warned]).toEqual([["Waiting for the database"], []]);
});

test.each<[string, Answers, string]>([
  ["a wrong password", { "/": error(401, "security_exception") }, "WrongCredentials"],
  ["a missing right", { "/": error(403, "security_exception") }, "PermissionDenied"],
  ["another kind of server", { "/": { body: { hello: "world" } } }, "NotASearchServer"],
])("R6: %s is not waited for", async (_, answers, reason) => {
  await using cluster = await startScriptedCluster({ ...READY, ...answers });
  const { options, logged } = wait(600_000);

  await expect(waitUntilReady(cluster.transport, options)).rejects.toMatchObject({ reason, exitCode: 21 });
  expect(logged).toEqual([]);
});

test("R6: when the time is over, the last failure is thrown", async () => {
  await using cluster = await startScriptedCluster({ ...READY, "/": error(503, "cluster_block_exception") });

  const failure = waitUntilReady(cluster.transport, wait(100).options);

  await expect(failure).rejects.toMatchObject({ reason: "ClusterNotReady", exitCode: 20 });
  expect(cluster.requests.length).toBeGreaterThan(2);
});

test("without time to wait the server is asked once", async () => {
  await using cluster = await startScriptedCluster({ ...READY, "/": error(503, "cluster_block_exception") });

  await expect(waitUntilReady(cluster.transport, wait(0).options)).rejects.toMatchObject({ reason: "ClusterNotReady" });
  expect(cluster.requests.length).toBe(1);
});

test("a cluster that stays red is told with the indices' names, and used: what cannot be read fails when it is read", async () => {
  await using cluster = await startScriptedCluster({ ...READY, "/_cluster/health": RED });
  const { options, warned } = wait(100);

  expect(await waitUntilReady(cluster.transport, options)).toMatchObject({ id: "uuid-1" });
  expect(warned).toEqual([["ClusterRed", expect.stringMatching(/is red: shards without any copy, of a, c$/)]]);
});

test("an abort ends the waiting with its reason", async () => {
  const run = new AbortController();
  await using cluster = await startScriptedCluster({ ...READY, "/": error(503, "cluster_block_exception") }, { signal: run.signal });
  const reason = new InterruptedError("SIGTERM");

  const waiting = waitUntilReady(cluster.transport, {
    ...wait(600_000).options,
    pauseMs: 600_000,
    signal: run.signal,
    log: { ...silent, info: () => run.abort(reason) },
  });

  await expect(waiting).rejects.toBe(reason);
});

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

function wait(waitTimeoutMs: number) {
  const logged: string[] = [];
  const warned: [string, string][] = [];
  const log = { ...silent, info: (message: string) => void logged.push(message) };
  const warn = (reason: string, message: string) => void warned.push([reason, message]);
  return { options: { waitTimeoutMs, pauseMs: 10, signal: new AbortController().signal, log, warn }, logged, warned };
}
