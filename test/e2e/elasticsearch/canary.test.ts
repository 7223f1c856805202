import { readdirSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { addFileUsers, FILE_PASSWORD } from "../../integration/elasticsearch/file-users.ts";
import { makeCertificates } from "../../servers/certificates.ts";
import { startElasticsearch } from "../../servers/elasticsearch-server.ts";
import type { SearchServer } from "../../servers/search-server.ts";
import { readAll } from "../../tools/search-equality.ts";
import { type Outcome, runHoldfast, startHoldfast } from "../holdfast-process.ts";
import { openScene, type SearchScene } from "./search-scene.ts";

const ADMIN = { username: "admin", password: "canary-admin-31fd" };
const PASSPHRASE = "canary-passphrase-1f3a";
const WRONG_PASSWORD = "canary-wrong-90cd";
// As README.md says.
const READING = ["read", "view_index_metadata", "monitor", "maintenance"];
const ROLES = {
  keeper: {
    cluster: ["monitor", "cluster:admin/ingest/pipeline/get", "manage_index_templates", "read_ilm"],
    indices: [{ names: ["*"], privileges: READING }],
  },
  restorer: {
    cluster: ["monitor", "manage_index_templates", "manage_ingest_pipelines", "manage_ilm", "cluster:admin/script/put"],
    indices: [{ names: ["*"], privileges: ["create_index", "write", ...READING, "manage"] }],
  },
};

let server: SearchServer;

beforeAll(async () => {
  server = await startElasticsearch({ version: "8.19.4", security: ADMIN });
  await addFileUsers(server, ROLES);
}, 240_000);
afterAll(() => server[Symbol.asyncDispose]());

test("no secret and no document is in argv, logs, reports, termination messages, errors, manifests or statuses, whatever goes wrong", async () => {
  await using scene = await openScene(server, "secret");
  const index = `${scene.prefix}-1`;
  await fill(scene, index);
  await scene.ask(`PUT /_component_template/${scene.prefix}`, { template: { settings: { number_of_replicas: 0 } } });
  const ca = join(scene.folder, "the-servers.crt");
  await writeFile(ca, server.ca ?? "");
  const foreign = (await makeCertificates(scene.folder)).ca;
  const termination = join(scene.folder, "termination.log");
  await writeFile(termination, "");
  const as = (user: string, authority = ca) => [
    ...["--url", server.url.replace("//", `//${user}@`), "--store", scene.store, "--tls-ca", authority],
    ...["--termination-log", termination],
  ];
  const env = (password: string) => ({
    ...{ RESTIC_PASSWORD: PASSPHRASE, HOLDFAST_DATABASE_PASSWORD: password, HOLDFAST_LOG_LEVEL: "debug" },
  });
  const seen: string[] = [];
  const outcomes: Outcome[] = [];
  const run = async (args: readonly string[], password = FILE_PASSWORD) => {
    await using running = startHoldfast(args, { env: env(password) });
    await running.logged('"').catch(() => undefined);
    seen.push(commandLineOf(running.pid));
    outcomes.push(await running.outcome);
    seen.push(readFileSync(termination, "utf8"));
  };

  await run(["es-backup", ...as("keeper"), "--match", `${scene.prefix}*`]);
  await run(["es-backup", ...as("keeper"), "--match", `${scene.prefix}*`], WRONG_PASSWORD);
  await run(["es-backup", ...as("keeper", foreign), "--match", `${scene.prefix}*`]);
  await run(["es-backup", ...as("nobody"), "--match", `${scene.prefix}*`], WRONG_PASSWORD);
  await run(["es-restore", ...as("restorer")]);
  await scene.destroy();
  await run(["es-restore", ...as("restorer")], WRONG_PASSWORD);
  await run(["es-restore", ...as("keeper")]);
  await run(["es-restore", ...as("restorer"), "--verify-restored"]);
  const restored = (await readAll(server, index)).size;
  await scene.destroy();
  await refuseEverything(scene, index);
  await run(["es-restore", ...as("restorer")]);
  await writeFile(join(scene.folder, "objects.yaml"), objects(scene));
  const by = ["--manifests", scene.folder, "--appbinding", "db", "--repository", "repo", "--namespace", "demo"];
  await run(["es-backup", ...by]);
  outcomes.push(await runHoldfast(["es-backup", "--url", `https://admin:${ADMIN.password}@127.0.0.1:1`, "--store", "x"]));
  for (const { stdout, stderr, report } of outcomes) seen.push(stdout, stderr, JSON.stringify(report ?? {}));
  const files = readdirSync(scene.folder, { recursive: true, withFileTypes: true }).filter(
    (entry) => entry.isFile() && entry.name !== "objects.yaml",
  );
  for (const file of files) seen.push(readFileSync(join(file.parentPath, file.name), "latin1"));

  expect(outcomes.map(({ exitCode, report }) => `${exitCode} ${report?.reason}`)).toEqual([
    "0 Succeeded",
    "21 WrongCredentials",
    "21 TlsVerificationFailed",
    "21 WrongCredentials",
    "21 TargetNotEmpty",
    "21 WrongCredentials",
    "21 PermissionDenied",
    "0 Succeeded",
    "21 DocumentsRefused",
    "0 Succeeded",
    "2 InvalidParameters",
  ]);
  expect(restored).toBe(40);
  expect(seen.filter((text) => /--tls-ca\0/.test(text)).length).toBeGreaterThan(5);
  expect(seen.filter((text) => text.includes('"code"')).length).toBeGreaterThan(20);
  for (const text of seen) expect(text).not.toMatch(/canary|Y2FuYXJ5/);
});

/** Documents and an id-like field that hold what nobody but their reader is to see, in each kind that servers quote when they refuse it. */
async function fill({ ask }: SearchScene, index: string): Promise<void> {
  await ask(`PUT /${index}`, { settings: { number_of_replicas: 0 }, mappings: { dynamic: false } });
  const lines = Array.from({ length: 40 }, (_, at) => {
    const values = ['"canary-value-55e1"', '{"canary-key":"canary-object"}', '["canary-list"]', '"canary, not a date"'];
    return `{"index":{"_id":"${at}"}}\n{"number":${values[at % 4]},"date":${values[at % 4]},"point":${values[at % 4]},"ip":${values[at % 4]},"flag":${values[at % 4]}}\n`;
  });
  await ask(`POST /${index}/_bulk?refresh=true`, lines.join(""));
}

/** Each document of a quarter is refused for another field first. */
async function refuseEverything({ ask, prefix }: SearchScene, index: string): Promise<void> {
  await ask(`PUT /_index_template/${prefix}-refusing`, {
    index_patterns: [index],
    priority: 3_000,
    template: {
      mappings: {
        dynamic_templates: [],
        properties: {
          number: { type: "long" },
          date: { type: "date" },
          point: { type: "geo_point" },
          ip: { type: "ip" },
          flag: { type: "boolean" },
        },
      },
    },
  });
}

function commandLineOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "latin1");
  } catch (error) {
    // It has ended already: most of these runs are short, and a backup is among those that are not.
    if ((error as NodeJS.ErrnoException).code === "ENOENT" || (error as NodeJS.ErrnoException).code === "ESRCH") return "";
    throw error;
  }
}

function objects({ store }: SearchScene): string {
  const metadata = (name: string) => ({ name, namespace: "demo" });
  const clientConfig = { url: server.url, caBundle: Buffer.from(server.ca ?? "").toString("base64") };
  return [
    {
      ...{ apiVersion: "appcatalog.appscode.com/v1alpha1", kind: "AppBinding" },
      metadata: metadata("db"),
      spec: { clientConfig, secret: { name: "auth" } },
    },
    { apiVersion: "v1", kind: "Secret", metadata: metadata("auth"), stringData: { username: "keeper", password: FILE_PASSWORD } },
    { apiVersion: "v1", kind: "Secret", metadata: metadata("storage"), stringData: { RESTIC_PASSWORD: PASSPHRASE } },
    {
      ...{ apiVersion: "stash.appscode.com/v1alpha1", kind: "Repository" },
      metadata: metadata("repo"),
      spec: { backend: { local: { mountPath: store, emptyDir: {} }, storageSecretName: "storage" } },
    },
  ]
    .map((object) => JSON.stringify(object))
    .join("\n---\n");
}
