// The roles that the README gives, each on its own user of a secured server: they are enough, and no more than is needed.
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { addFileUsers, FILE_PASSWORD, type Role } from "../../integration/elasticsearch/file-users.ts";
import { startElasticsearch } from "../../servers/elasticsearch-server.ts";
import { askServer, askServerOk, type SearchServer } from "../../servers/search-server.ts";
import { type Outcome, ROOT, runHoldfast } from "../holdfast-process.ts";

/** Rights without which this server still lets everything through; others do not. */
const BACKUP_WITHOUT: Readonly<Record<string, string>> = {
  "cluster-monitor": 'Give the user the cluster privilege "monitor"',
  "cluster-cluster:admin/ingest/pipeline/get": "The user needs ",
  "index-read": 'Give the user the index privilege "read" on',
  "index-view_index_metadata": 'Give the user the index privilege "view_index_metadata" on',
  "index-maintenance": 'Give the user the index privilege "maintenance" on',
};

let server: SearchServer;
let folder: string;
let roles: { readonly backup: Role; readonly restore: Role };

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "holdfast-rights-"));
  roles = { backup: await roleOf("holdfast-backup"), restore: await roleOf("holdfast-restore") };
  server = await startElasticsearch({ version: "8.19.4", security: { username: "admin", password: "canary-a21b" } });
  writeFileSync(join(folder, "ca.pem"), server.ca ?? "");
  const lesser = Object.keys(BACKUP_WITHOUT).map((right) => [userWithout(right), without(roles.backup, right)]);
  const partial: Role = { ...roles.backup, indices: [{ ...roles.backup.indices[0], query: '{"term":{"n":1}}' }] };
  await askServerOk(server, "POST /_license/start_trial?acknowledge=true");
  const unmeasured = without(roles.backup, "index-monitor");
  await addFileUsers(server, { unmeasured, keeper: roles.backup, restorer: roles.restore, partly: partial, ...Object.fromEntries(lesser) });
  await askServerOk(
    server,
    "PUT /_index_template/orders",
    '{"index_patterns":["orders-*"],"template":{"settings":{"number_of_replicas":0}}}',
  );
  await askServerOk(server, "PUT /_ingest/pipeline/nothing", '{"processors":[]}');
  for (const name of ["orders-1", "orders-2"]) {
    await askServerOk(server, `PUT /${name}`, JSON.stringify({ aliases: { [`all-${name}`]: {} } }));
    for (const n of [1, 2, 3]) await askServerOk(server, `PUT /${name}/_doc/${n}`, JSON.stringify({ n }));
  }
}, 240_000);
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

test("with exactly the roles of the README a backup and a restore succeed, and the password is nowhere to be seen", async () => {
  const backup = await run("es-backup", "keeper", "whole");
  const restore = await run("es-restore", "restorer", "whole", ["--rename", "(.+)=restored-$1", "--policy", "skip"]);

  expect([backup, restore]).toMatchObject([
    { exitCode: 0, report: { outcome: "Succeeded" } },
    { exitCode: 0, report: { outcome: "Succeeded" } },
  ]);
  expect(await count("restored-orders-1")).toBe(3);
  expect(await count("restored-all-orders-2")).toBe(3);
  const printed = JSON.stringify([backup, restore]);
  for (const form of [FILE_PASSWORD, encoded(`keeper:${FILE_PASSWORD}`), encoded(`restorer:${FILE_PASSWORD}`)])
    expect(printed).not.toContain(form);
}, 120_000);

test.each(Object.entries(BACKUP_WITHOUT))(
  "without %s a backup fails, names what is missing, and leaves no snapshot",
  async (right, words) => {
    const name = userWithout(right);

    const outcome = await run("es-backup", name, name);

    expect(outcome).toMatchObject({ exitCode: 21, report: { outcome: "Failed", reason: "PermissionDenied" } });
    expect(hintOf(outcome)).toContain(words);
    expect(snapshotsIn(name)).toEqual([]);
  },
);

test("without the right to read indices' statistics a backup is as good, and reads everything each time", async () => {
  const first = await run("es-backup", "unmeasured", "unmeasured");
  const second = await run("es-backup", "unmeasured", "unmeasured");

  expect([first, second]).toMatchObject([{ exitCode: 0 }, { exitCode: 0, report: { counts: { unchangedIndices: 0 } } }]);
});

test("a user who is shown a part of the documents makes no backup", async () => {
  const outcome = await run("es-backup", "partly", "partly");

  expect(outcome).toMatchObject({ exitCode: 21, report: { outcome: "Failed", reason: "PartialView" } });
  expect(snapshotsIn("partly")).toEqual([]);
});

test("a wrong password is refused at once, and shown nowhere", async () => {
  const outcome = await run("es-backup", "keeper", "wrong", [], "canary-wrong");

  expect(outcome).toMatchObject({ exitCode: 21, report: { reason: "WrongCredentials" } });
  expect(JSON.stringify(outcome)).not.toMatch(/canary-wrong/);
});

test("doctor says that a backup and a restore could begin, and as whom", async () => {
  const source = await run("doctor", "keeper", "doctor", ["--function", "es-backup"]);
  const target = await run("doctor", "restorer", "doctor", ["--function", "es-restore"]);

  expect(source.stdout).toMatch(/^ok {7}Database: elasticsearch 8\.19\.4 at .* takes user "keeper", over TLS$/m);
  expect(target.stdout).toMatch(/^ok {7}Database: elasticsearch 8\.19\.4 at .* takes user "restorer", over TLS$/m);
});

/** A block of the README: `PUT /_security/role/NAME` and its body. */
async function roleOf(name: string): Promise<Role> {
  const text = await readFile(join(ROOT, "functions/elasticsearch/README.md"), "utf8");
  const block = new RegExp(`PUT /_security/role/${name}\\n(\\{[^\`]*\\})\\n`).exec(text)?.[1];
  if (block === undefined) throw new Error(`The README has no role ${name}`);
  return JSON.parse(block) as Role;
}

function without({ cluster, indices }: Role, right: string): Role {
  const [kind, ...rest] = right.split("-") as [string, ...string[]];
  const name = rest.join("-");
  const [index] = indices as [{ privileges: string[] }];
  const [before, list] = kind === "cluster" ? [cluster, cluster] : [index.privileges, index.privileges];
  if (!before.includes(name)) throw new Error(`The README's role has no ${right}`);
  const left = list.filter((each) => each !== name);
  return kind === "cluster" ? { cluster: left, indices } : { cluster, indices: [{ ...index, privileges: left }] };
}

function userWithout(right: string): string {
  return `without-${right.replaceAll(/[^a-z_-]/g, "_")}`;
}

function run(command: string, username: string, store: string, args: readonly string[] = [], password = FILE_PASSWORD): Promise<Outcome> {
  const url = server.url.replace("https://", `https://${username}@`);
  const at = ["--url", url, "--tls-ca", join(folder, "ca.pem"), "--store", join(folder, store)];
  return runHoldfast([command, ...at, ...args], { env: { HOLDFAST_DATABASE_PASSWORD: password } });
}

/** Of the error in the log. */
function hintOf({ stderr }: Outcome): unknown {
  const lines = stderr.split("\n").filter((line) => line.startsWith("{"));
  const errors = lines.map((line) => JSON.parse(line) as { level: string; hint?: string }).filter(({ level }) => level === "error");
  return errors[0]?.hint;
}

function snapshotsIn(store: string): string[] {
  return readdirSync(folder).includes(store)
    ? readdirSync(join(folder, store), { recursive: true })
        .map(String)
        .filter((name) => name.startsWith("snapshots/"))
    : [];
}

async function count(index: string): Promise<unknown> {
  await askServerOk(server, `POST /${index}/_refresh`);
  return JSON.parse((await askServer(server, `GET /${index}/_count`)).body.toString()).count;
}

function encoded(text: string): string {
  return Buffer.from(text).toString("base64");
}
