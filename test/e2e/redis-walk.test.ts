import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type RedisServer, startRedis } from "../servers/redis-server.ts";
import { fillRedis } from "../tools/redis-dataset.ts";
import { describeData, diffData } from "../tools/redis-equality.ts";
import { PASSPHRASE, runHoldfast } from "./holdfast-process.ts";

const SNAPSHOT_FIELDS = ["id", "engine", "target", "host", "started", "finished", "rawBytes", "storedBytes", "addedBytes", "holdfast"];
let server: RedisServer;
let folder: string;

beforeAll(async () => {
  server = await startRedis();
  await fillRedis(server);
});
afterAll(() => server.stop());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-e2e-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const url = (of: RedisServer) => `redis://127.0.0.1:${of.port}`;

test("a Redis with every type is backed up, listed, verified, and restored into another one, equal", async () => {
  await using target = await startRedis();
  const before = await describeData(server);

  const backup = await runHoldfast(["redis-backup", "--url", url(server), "--store", folder, "--verify-after"]);
  const list = await runHoldfast(["snapshots", "--store", folder, "--json"]);
  const verify = await runHoldfast(["verify", "--store", folder, "--json"]);
  const restore = await runHoldfast(["redis-restore", "--url", url(target), "--store", folder]);

  expect(backup).toMatchObject({ exitCode: 0, report: { outcome: "Succeeded", code: 0, message: expect.stringContaining("read back") } });
  const snapshots = JSON.parse(list.stdout) as Record<string, unknown>[];
  expect(snapshots).toHaveLength(1);
  expect(Object.keys(snapshots[0] as object)).toEqual(SNAPSHOT_FIELDS);
  expect(snapshots[0]).toMatchObject({
    id: backup.report?.snapshot?.id,
    engine: "redis",
    host: "host-0",
    target: `URL/127.0.0.1:${server.port}`,
  });
  const manifest = await readFile(join(folder, `holdfast/snapshots/${backup.report?.snapshot?.id}.manifest`), "utf8");
  expect(JSON.parse(manifest.split("\n")[0] as string)).toMatchObject({ tls: { verified: false } });
  expect(verify.exitCode).toBe(0);
  expect(JSON.parse(verify.stdout)).toMatchObject({ snapshots: 1, problems: [] });
  expect(restore).toMatchObject({ exitCode: 0, report: { outcome: "Succeeded", snapshot: { id: backup.report?.snapshot?.id } } });
  expect(diffData(before, await describeData(target))).toEqual([]);
});

test("objects in files say where database and backups are, and statuses are written beside them", async () => {
  await using target = await startRedis({ password: "target-password" });
  const before = await describeData(server);
  const store = join(folder, "store");
  await writeFile(join(folder, "objects.yaml"), manifests({ store, source: server.port, target: target.port }));
  const at = ["--manifests", folder, "--namespace", "demo", "--repository", "backups"];
  const env = { RESTIC_PASSWORD: "" };

  const backup = await runHoldfast(["redis-backup", ...at, "--appbinding", "source"], { env });
  const list = await runHoldfast(["snapshots", ...at, "--json"], { env });
  const wrongTarget = await runHoldfast(["redis-restore", ...at, "--appbinding", "target"], { env });
  const id = backup.report?.snapshot?.id as string;
  const restore = await runHoldfast(["redis-restore", ...at, "--appbinding", "target", "--snapshot", id], { env });

  expect(backup.exitCode).toBe(0);
  expect(JSON.parse(list.stdout)).toMatchObject([{ id, target: "demo/AppBinding/source" }]);
  expect(wrongTarget.exitCode).toBe(10);
  expect(restore.exitCode).toBe(0);
  expect(diffData(before, await describeData({ ...target, host: "127.0.0.1", port: target.port, password: "target-password" }))).toEqual(
    [],
  );
  const statusFile = (await readdir(folder)).find((name) => name.includes("status")) as string;
  expect(await readFile(join(folder, statusFile), "utf8")).toMatch(/snapshotCount: 1/);
  expect(await readFile(join(folder, "events.jsonl"), "utf8")).toContain(`Snapshot ${id} of AppBinding demo/source is committed`);
});

test.each([
  ["missing flags, all in one message", ["redis-backup"], 2, /--url or --appbinding[\s\S]*--store or --repository/],
  ["a password in the URL, not printed", ["redis-backup", "--url", "redis://u:canary@h:1", "--store", "x"], 2, /must not hold a password/],
  ["a snapshot of nobody", ["redis-restore", "--url", "redis://127.0.0.1:1", "--store", "FOLDER"], 10, /[Rr]epository/],
  ["a store of nobody", ["snapshots", "--store", "FOLDER"], 10, /[Rr]epository/],
  [
    "a database that is not there",
    ["redis-backup", "--url", "redis://127.0.0.1:1", "--store", "FOLDER", "--wait-timeout", "0"],
    20,
    /127\.0\.0\.1:1/,
  ],
])("%s ends with its exit code", async (_title, args, code, message) => {
  const outcome = await runHoldfast(args.map((word) => (word === "FOLDER" ? folder : word)));

  expect(outcome.exitCode).toBe(code);
  expect(outcome.stderr).toMatch(message);
  expect(outcome.stderr).not.toContain("canary");
});

test("a wrong passphrase is 12, for reading and for the next backup alike", async () => {
  const env = { RESTIC_PASSWORD: "not the passphrase" };
  await runHoldfast(["redis-backup", "--url", url(server), "--store", folder]);

  const list = await runHoldfast(["snapshots", "--store", folder], { env });
  const backup = await runHoldfast(["redis-backup", "--url", url(server), "--store", folder], { env });

  expect([list.exitCode, backup.exitCode]).toEqual([12, 12]);
});

test("latest among backups of two databases is refused with both named", async () => {
  await using other = await startRedis();
  await other.cli("set", "k", "v");
  await runHoldfast(["redis-backup", "--url", url(server), "--store", folder]);
  await runHoldfast(["redis-backup", "--url", url(other), "--store", folder]);
  await other.cli("flushall");

  const restore = await runHoldfast(["redis-restore", "--url", url(other), "--store", folder]);

  expect(restore.exitCode).toBe(2);
  expect(restore.stderr).toContain(`127.0.0.1:${server.port}`);
  expect(restore.stderr).toContain(`127.0.0.1:${other.port}`);
  expect(await other.cli("dbsize")).toBe("0");
});

test("a flipped bit is found, and the object named, with exit code 3", async () => {
  await runHoldfast(["redis-backup", "--url", url(server), "--store", folder]);
  const data = join(folder, "holdfast/data");
  const object = (await readdir(data, { recursive: true })).find((name) => name.endsWith(".age")) as string;
  const bytes = await readFile(join(data, object));
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] as number) ^ 1;
  await writeFile(join(data, object), bytes);
  await using target = await startRedis();

  const verify = await runHoldfast(["verify", "--store", folder]);
  const restore = await runHoldfast(["redis-restore", "--url", url(target), "--store", folder]);

  expect(verify.exitCode).toBe(3);
  expect(verify.stdout).toContain(`holdfast/data/${object}`);
  expect(restore).toMatchObject({ exitCode: 3, report: { outcome: "Failed" } });
});

function manifests({ store, source, target }: { store: string; source: number; target: number }): string {
  const secret = (name: string, data: Record<string, string>) => ({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name, namespace: "demo" },
    stringData: data,
  });
  const appBinding = (name: string, spec: object) => ({
    apiVersion: "appcatalog.appscode.com/v1alpha1",
    kind: "AppBinding",
    metadata: { name, namespace: "demo" },
    spec,
  });
  const documents = [
    appBinding("source", { type: "redis", clientConfig: { url: `redis://127.0.0.1:${source}` } }),
    appBinding("target", {
      type: "redis",
      clientConfig: { url: `redis://127.0.0.1:${target}` },
      secret: { name: "target-auth" },
      secretTransforms: [{ renameKey: { from: "redis-password", to: "password" } }],
    }),
    secret("target-auth", { "redis-password": "target-password" }),
    {
      apiVersion: "stash.appscode.com/v1alpha1",
      kind: "Repository",
      metadata: { name: "backups", namespace: "demo" },
      spec: { backend: { local: { mountPath: store, hostPath: { path: store } }, storageSecretName: "storage" } },
    },
    secret("storage", { RESTIC_PASSWORD: PASSPHRASE }),
  ];
  return documents.map((document) => JSON.stringify(document)).join("\n---\n");
}
