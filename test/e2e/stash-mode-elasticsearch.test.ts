import { existsSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../servers/free-port.ts";
import { askServer, askServerOk, type SearchServer } from "../servers/search-server.ts";
import { uniqueName, useElasticsearch } from "../servers/search-server-pool.ts";
import { describeIndex, diffIndices, readAll } from "../tools/search-equality.ts";
import { NASTY_INDEX, nastyDocuments, putDocuments, restoredContent } from "../tools/search-nasty-documents.ts";
import { makeStashInstallation, type StashInstallation, type StashOutcome } from "./stash-installation.ts";

let server: SearchServer;
let stash: StashInstallation;
/** What all indices of a test begin with: the server is others' too. */
let prefix: string;

beforeAll(async () => {
  server = await useElasticsearch("8.19.4");
});
afterAll(() => server[Symbol.asyncDispose]());
beforeEach(() => {
  prefix = uniqueName("stash");
  stash = makeStashInstallation("elasticsearch");
  for (const name of ["es", "other"]) stash.appBinding(name, at(server.url));
});
afterEach(async () => {
  stash[Symbol.dispose]();
  await askServer(server, `DELETE /${prefix}-a,${prefix}-b,${prefix}-debug?ignore_unavailable=true`);
  await askServer(server, `DELETE /_template/${prefix}`);
});

const at = (url: string) => ({ clientConfig: { url } });
const match = (more = ".+") => `--match=^${prefix}-${more}`;
const hostOf = ({ output }: Pick<StashOutcome, "output">) => output?.targetStatus.stats[0];
const ask = (request: string, body?: object) => askServerOk(server, request, body === undefined ? undefined : JSON.stringify(body));

async function makeIndex(name: string): Promise<string> {
  const index = `${prefix}-${name}`;
  await ask(`PUT /${index}`, {
    settings: { number_of_replicas: 0 },
    aliases: { [`${prefix}-of-${name}`]: { filter: { term: { a: 1 } } } },
  });
  await ask(`PUT /${index}/_doc/1?refresh=true`, { a: 1 });
  return index;
}

const exists = async (index: string) => (await askServer(server, `HEAD /${index}`)).status === 200;

test("with the arguments of Stash's guide, a backup and a restore bring indices back byte for byte, with their aliases (D9, D12)", async () => {
  const odd = `${prefix}-a`;
  await ask(`PUT /${odd}`, NASTY_INDEX);
  await putDocuments(server, odd, nastyDocuments());
  const [plain, debug] = [await makeIndex("b"), await makeIndex("debug")];
  await ask(`PUT /_template/${prefix}`, { index_patterns: [`${prefix}-x*`] });
  const before = [await describeIndex(server, odd), await describeIndex(server, plain)];

  const backup = await stash.backup("es", { args: `${match("(?!debug).+")} --ignoreType=template` });
  await ask(`DELETE /${odd},${plain},${debug}`);
  await ask(`DELETE /_template/${prefix}`);
  const restore = await stash.restore("es", { snapshot: "latest", args: "--ignoreType=template,settings" });

  expect(backup).toMatchObject({ exitCode: 0, report: { outcome: "Succeeded" } });
  expect(hostOf(backup)).toMatchObject({
    phase: "Succeeded",
    snapshots: [{ path: "/stash-tmp/stash-interim-volume/data", fileStats: { unmodifiedFiles: 0 } }],
  });
  expect(hostOf(restore)).toEqual({ hostname: "host-0", phase: "Succeeded", duration: expect.any(String) });
  expect([await describeIndex(server, odd), await describeIndex(server, plain)]).toEqual(before);
  expect(diffIndices(restoredContent(nastyDocuments()), await readAll(server, odd))).toEqual([]);
  expect(await exists(debug)).toBe(false);
  expect((await askServer(server, `GET /_template/${prefix}`)).status).toBe(404);
  expect(backup.report?.warnings.map(({ reason }) => reason)).toContain("StashArguments");
  expect(restore.report?.warnings.filter(({ reason }) => reason === "StashArguments")).toHaveLength(2);
});

test("the interim directory is shown and not used: one of a backup and another of its restore make no difference, and no claim is looked at (D14, R13, R14)", async () => {
  const index = await makeIndex("a");
  const [one, other] = ["one", "other"].map((name) => join(stash.folder, name)) as [string, string];

  const backup = await stash.backup("es", { args: match(), interimDataDir: one });
  await ask(`DELETE /${index}`);
  const restore = await stash.restore("es", { interimDataDir: other });

  expect(hostOf(backup)?.snapshots?.[0]?.path).toBe(one);
  expect(hostOf(restore)).toMatchObject({ phase: "Succeeded" });
  expect(await exists(index)).toBe(true);
  expect([one, other].filter((path) => existsSync(path))).toEqual([]);
});

test("latest is the target's own, never another target's in the same repository (D13)", async () => {
  const [own, others] = [await makeIndex("a"), await makeIndex("b")];
  await stash.backup("es", { args: match("a") });
  await stash.backup("other", { args: match("b") });
  await ask(`DELETE /${own},${others}`);

  const restore = await stash.restore("es", { snapshot: "latest" });

  expect(restore).toMatchObject({ exitCode: 0, report: { snapshot: { target: "demo/AppBinding/es" } } });
  expect([await exists(own), await exists(others)]).toEqual([true, false]);
});

test("a second backup names what did not change, and the session is told what was uploaded", async () => {
  await makeIndex("a");
  const first = await stash.backup("es", { args: match() });

  const second = await stash.backup("es", { args: match() });

  const [before, after] = [first, second].map((outcome) => hostOf(outcome)?.snapshots?.[0]);
  expect(after).toMatchObject({ totalSize: before?.totalSize, fileStats: { unmodifiedFiles: 1, modifiedFiles: 0 } });
  expect(after?.uploaded).not.toBe(before?.uploaded);
  expect(second.report?.counts).toMatchObject({ indices: 1, documents: 1, unchangedIndices: 1 });
});

test("an index that exists refuses the restore by name, and stays as it is; the policy says what else to do (R16, R17)", async () => {
  const index = await makeIndex("a");
  await stash.backup("es", { args: match() });
  await ask(`PUT /${index}/_doc/2?refresh=true`, { b: 2 });

  const refused = await stash.restore("es", { args: "--ignoreType=template,settings" });
  const kept = (await readAll(server, index)).size;
  const replaced = await stash.restore("es", { args: "--policy=replace" });

  expect(refused).toMatchObject({ exitCode: 0, report: { code: 21 } });
  expect(hostOf(refused)).toMatchObject({ phase: "Failed", error: expect.stringContaining(index) });
  expect(kept).toBe(2);
  expect(hostOf(replaced)).toMatchObject({ phase: "Succeeded" });
  expect((await readAll(server, index)).size).toBe(1);
});

test.each([
  ["dashboards that are asked for", { dashboards: "true" }, "saved objects of Kibana"],
  ["an argument that cannot be kept", { args: "--searchBody={}" }, "--searchBody: a backup always holds every document"],
  ["an argument that elasticdump drops", { args: "--ignoretype=data" }, "--ignoretype: this argument is not known"],
])("%s fail the session by name, and nothing is stored", async (_, variables, message) => {
  const outcome = await stash.backup("es", variables);

  expect(outcome.exitCode).toBe(0);
  expect(hostOf(outcome)).toMatchObject({ phase: "Failed", error: expect.stringContaining(message) });
  expect(await stash.snapshots()).toEqual([]);
});

test("several snapshots are refused by name", async () => {
  const outcome = await stash.restore("es", { snapshot: "4bc21d6f,0123abcd" });

  expect(hostOf(outcome)).toMatchObject({ phase: "Failed", error: expect.stringContaining("--snapshot names several") });
});

test("a server that is down is waited for as long as --wait-timeout says, and not longer (R6)", async () => {
  stash.appBinding("down", at(`http://127.0.0.1:${await freePort()}`));

  const outcome = await stash.backup("down", { waitTimeout: "1" });

  expect(outcome).toMatchObject({ exitCode: 0, report: { code: 20, reason: "DatabaseUnreachable" } });
  expect(outcome.report?.durationSeconds).toBeGreaterThanOrEqual(1);
  expect(outcome.report?.durationSeconds).toBeLessThan(30);
  expect(hostOf(outcome)).toMatchObject({ phase: "Failed", error: expect.stringContaining("127.0.0.1") });
});

test("a Secret that lacks a key is named, and none at all is anonymous access (R8)", async () => {
  stash.appBinding("half", at(server.url), { username: "canary" });
  await makeIndex("a");

  const half = await stash.backup("half", { args: match() });
  const anonymous = await stash.backup("es", { args: match() });

  expect(half).toMatchObject({ exitCode: 0, report: { code: 2 } });
  expect(hostOf(half)).toMatchObject({ phase: "Failed", error: expect.stringContaining('"password"') });
  expect(JSON.stringify(half)).not.toContain("canary");
  expect(hostOf(anonymous)).toMatchObject({ phase: "Succeeded" });
});
