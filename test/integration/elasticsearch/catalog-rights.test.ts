// What a user with few rights makes of the catalog: an error or a line, never less than there is.
import { chooseIndices } from "../../../functions/elasticsearch/choose-indices.ts";
import { searchEndpoint } from "../../../functions/elasticsearch/endpoint.ts";
import { inspectServer } from "../../../functions/elasticsearch/inspect-server.ts";
import { listIndices } from "../../../functions/elasticsearch/list-indices.ts";
import { readClusterCatalog } from "../../../functions/elasticsearch/read-cluster-catalog.ts";
import { readIndexEntries } from "../../../functions/elasticsearch/read-index-entries.ts";
import { readShardMarks } from "../../../functions/elasticsearch/read-shard-marks.ts";
import { SearchTransport } from "../../../functions/elasticsearch/transport.ts";
import { startElasticsearch } from "../../servers/elasticsearch-server.ts";
import { askServerOk, type SearchServer } from "../../servers/search-server.ts";
import { addFileUsers, FILE_PASSWORD } from "./file-users.ts";
import { base64, connectionOf } from "./link-context.ts";

const READING = ["read", "view_index_metadata", "monitor", "maintenance"];
const ROLES = {
  keeper: { cluster: ["monitor", "cluster:admin/ingest/pipeline/get"], indices: [{ names: ["*"], privileges: READING }] },
  narrow: { cluster: ["monitor"], indices: [{ names: ["a*"], privileges: READING }] },
};

let server: SearchServer;

beforeAll(async () => {
  server = await startElasticsearch({ version: "8.19.4", security: { username: "admin", password: "canary-a21b" } });
  for (const name of ["a1", "b1"]) await askServerOk(server, `PUT /${name}`, '{"settings":{"number_of_replicas":0}}');
  await addFileUsers(server, ROLES);
}, 240_000);
afterAll(() => server[Symbol.asyncDispose]());

async function open(username: string): Promise<SearchTransport> {
  const clientConfig = { url: server.url, caBundle: base64(server.ca ?? "") };
  const database = await connectionOf({ clientConfig, secret: { name: "auth" } }, { auth: { username, password: FILE_PASSWORD } });
  return new SearchTransport(searchEndpoint(database), { signal: new AbortController().signal, connections: 1, idleTimeoutMs: 60_000 });
}

test("indices that the user may not read are listed all the same, and reading about them is refused", async () => {
  await using transport = await open("narrow");

  const listed = await listIndices(transport, await inspectServer(transport));
  const { chosen } = chooseIndices(listed, { skipHidden: false, openClosed: false });
  const all = readIndexEntries(transport, chosen);
  const own = readIndexEntries(transport, [{ name: "a1" }]);
  const marks = await readShardMarks(transport, ["a1", "b1"]);

  expect(chosen.map(({ name }) => name)).toEqual(["a1", "b1"]);
  await expect(all).rejects.toMatchObject({ reason: "PermissionDenied" });
  expect((await own).map(({ name }) => name)).toEqual(["a1"]);
  expect([...marks.keys()]).toEqual(["a1"]);
});

test("a kind of objects that the user may not read fails the catalog, and the right is named", async () => {
  await using transport = await open("narrow");

  const reading = readClusterCatalog(transport, await inspectServer(transport), { chosen: [] });

  await expect(reading).rejects.toMatchObject({ reason: "PermissionDenied", exitCode: 21, hint: expect.stringContaining("pipeline") });
});

test("what is not carried and may not be listed is said in a line", async () => {
  await using transport = await open("keeper");

  const { notCarried } = await readClusterCatalog(transport, await inspectServer(transport), { chosen: [] });

  expect(notCarried).toContainEqual({
    name: "repository:*",
    reason: "This release does not carry snapshot repositories, and this user may not list them",
  });
});
