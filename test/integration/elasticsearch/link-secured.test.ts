// A server with TLS, passwords and rights, as AppBindings describe it.
import { inspect } from "node:util";
import { checkSource } from "../../../functions/elasticsearch/check-source.ts";
import { checkTarget } from "../../../functions/elasticsearch/check-target.ts";
import { searchEndpoint } from "../../../functions/elasticsearch/endpoint.ts";
import { faultOf } from "../../../functions/elasticsearch/server-error.ts";
import { type SearchRequest, SearchTransport } from "../../../functions/elasticsearch/transport.ts";
import { waitUntilReady } from "../../../functions/elasticsearch/wait-until-ready.ts";
import { ParameterError } from "../../../runner/errors.ts";
import { startElasticsearch } from "../../servers/elasticsearch-server.ts";
import { askServerOk, type SearchServer } from "../../servers/search-server.ts";
import { addFileUsers, FILE_PASSWORD } from "./file-users.ts";
import { base64, connectionOf, look } from "./link-context.ts";

const ADMIN = { username: "admin", password: "canary-a21b" };
const READING = ["read", "view_index_metadata", "monitor", "maintenance"];
const CLUSTER = ["monitor", "cluster:admin/ingest/pipeline/get"];
const ROLES = {
  keeper: { cluster: CLUSTER, indices: [{ names: ["*"], privileges: READING }] },
  restorer: {
    cluster: ["monitor", "manage_index_templates", "manage_ingest_pipelines", "cluster:admin/script/put"],
    indices: [{ names: ["*"], privileges: [...READING, "create_index", "write", "manage"] }],
  },
  blind: { cluster: [], indices: [{ names: ["*"], privileges: READING }] },
  narrow: { cluster: CLUSTER, indices: [{ names: ["a*"], privileges: READING }] },
  uncatalogued: { cluster: ["monitor"], indices: [{ names: ["*"], privileges: READING }] },
  someDocuments: { cluster: CLUSTER, indices: [{ names: ["*"], privileges: READING, query: '{"term":{"kind":"a"}}' }] },
  someFields: { cluster: CLUSTER, indices: [{ names: ["*"], privileges: READING, field_security: { grant: ["kind"] } }] },
};

let server: SearchServer;

beforeAll(async () => {
  server = await startElasticsearch({ version: "8.19.4", security: ADMIN });
  for (const name of ["a1", "b1"]) await askServerOk(server, `PUT /${name}`, '{"settings":{"number_of_replicas":0}}');
  // Rules on documents and fields are no part of the basic licence.
  await askServerOk(server, "POST /_license/start_trial?acknowledge=true");
  await addFileUsers(server, ROLES);
}, 240_000);
afterAll(() => server[Symbol.asyncDispose]());

/** As the runner reads them: an AppBinding and its Secret. */
const as = (secret: Readonly<Record<string, string>>) => {
  const clientConfig = { url: server.url, caBundle: base64(server.ca ?? "") };
  return connectionOf({ clientConfig, secret: { name: "auth" } }, { auth: secret });
};
const asUser = (username: string) => as({ username, password: FILE_PASSWORD });

test.each([
  ["username and password", () => ADMIN],
  ["ADMIN_USERNAME and ADMIN_PASSWORD", () => ({ ADMIN_USERNAME: ADMIN.username, ADMIN_PASSWORD: ADMIN.password })],
])("S2, R8: a Secret with %s lets in, over TLS that is verified", async (_, secret) => {
  const { outcome, warned } = await look(checkSource, await as(secret()));

  expect(outcome).toMatch(/^elasticsearch 8\.19\.4 at https:.* takes user "admin", over TLS$/);
  expect(warned).toEqual([]);
});

test.each([
  ["wrong password", { username: "admin", password: "canary-wrong" }, "WrongCredentials"],
  ["unknown user", { username: "nobody", password: "canary-wrong" }, "WrongCredentials"],
  ["unknown API key", { apiKey: "bm86Y2FuYXJ5LXdyb25n" }, "WrongCredentials"],
])("a %s is refused by name, and shown nowhere", async (_, secret, reason) => {
  const { outcome } = await look(checkSource, await as(secret));

  expect(outcome).toMatchObject({ reason, exitCode: 21 });
  expect(inspect(outcome, { depth: 12, showHidden: true })).not.toMatch(/canary|Y2FuYXJ5/);
});

test("R8: without a Secret the server says that it demands credentials", async () => {
  const database = await connectionOf({ clientConfig: { url: server.url, caBundle: base64(server.ca ?? "") } });

  expect((await look(checkSource, database)).outcome).toMatchObject({ reason: "AuthenticationRequired", exitCode: 21 });
});

test("R8: a Secret without one of its keys is a wrong parameter", async () => {
  const database = await as({ username: "admin" });

  await expect(checkSource({ ...silent, database })).rejects.toBeInstanceOf(ParameterError);
});

test("R6: a wrong password is not waited for", async () => {
  const database = await as({ username: "admin", password: "canary-wrong" });
  await using transport = open(database);

  await expect(waitUntilReady(transport, { ...silent, waitTimeoutMs: 600_000 })).rejects.toMatchObject({ reason: "WrongCredentials" });
});

test("S1: a server whose authority is not known gets no password", async () => {
  const database = await connectionOf({ clientConfig: { url: server.url }, secret: { name: "auth" } }, { auth: ADMIN });

  expect((await look(checkSource, database)).outcome).toMatchObject({ reason: "TlsVerificationFailed", exitCode: 21 });
});

test("a user with the rights of a backup, and no others, is told nothing but that all is well", async () => {
  const source = await look(checkSource, await asUser("keeper"));
  const target = await look(checkTarget, await asUser("keeper"));

  expect(source).toEqual({ outcome: expect.stringContaining('takes user "keeper"'), warned: [] });
  expect(target.warned).toEqual(["RightsMissing"]);
});

test("a user with the rights of a restore is told nothing but that all is well", async () => {
  expect(await look(checkTarget, await asUser("restorer"))).toEqual({
    outcome: expect.stringContaining('takes user "restorer"'),
    warned: [],
  });
});

test.each([
  ["blind", { reason: "PermissionDenied", hint: 'Give the user the cluster privilege "monitor"' }],
  ["uncatalogued", { reason: "PermissionDenied", facts: { missingRights: { cluster: ["cluster:admin/ingest/pipeline/get"], index: [] } } }],
  ["someDocuments", { reason: "PartialView", facts: { indices: ["a1", "b1"] } }],
  ["someFields", { reason: "PartialView" }],
])("a backup as user %s would lack something: the check fails and names it", async (username, error) => {
  expect((await look(checkSource, await asUser(username))).outcome).toMatchObject({ exitCode: 21, ...error });
});

test("a user who may read some indices only is told which rights a whole backup needs", async () => {
  const { outcome, warned } = await look(checkSource, await asUser("narrow"));

  expect(outcome).toContain('takes user "narrow"');
  expect(warned).toEqual(["RightsMissing"]);
});

test.each<[SearchRequest, string]>([
  [{ method: "GET", path: "/_cluster/health" }, 'Give the user the cluster privilege "monitor"'],
  [
    { method: "PUT", path: "/_ingest/pipeline/x", body: { processors: [] } },
    'Give the user the cluster privilege "manage_ingest_pipelines"',
  ],
  [{ method: "DELETE", path: "/b1" }, 'Give the user the index privilege "delete_index" on b1'],
  [{ method: "PUT", path: "/c1" }, 'Give the user the index privilege "create_index" on c1'],
  [{ method: "POST", path: "/a1/_doc", body: {} }, 'Give the user the index privilege "index" on a1'],
])("a refusal of %j names the narrowest right that is missing", async (request, hint) => {
  await using transport = open(await asUser("blind"));

  const error = await transport.json(request).catch((e) => e);

  expect(error).toMatchObject({ reason: "PermissionDenied", hint });
  expect(faultOf(error)).toMatchObject({ status: 403, type: "security_exception" });
});

const ignore = () => undefined;
const log = { debug: ignore, info: ignore, warn: ignore, error: ignore };
const silent = { log, signal: new AbortController().signal, warn: ignore };

function open(database: Parameters<typeof searchEndpoint>[0]): SearchTransport {
  return new SearchTransport(searchEndpoint(database), { signal: silent.signal, connections: 1, idleTimeoutMs: 60_000 });
}
