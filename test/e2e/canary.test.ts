import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startRedis } from "../servers/redis-server.ts";
import { runHoldfast, startHoldfast } from "./holdfast-process.ts";

const PASSPHRASE = "canary-passphrase-1f3a";
const DATABASE_PASSWORD = "canary-database-77b2";
const WRONG_PASSWORD = "canary-wrong-90cd";
const USER_DATA = "canary-value-55e1";
const CANARIES = /canary/;

test("no secret and no user data is in argv, logs, reports, errors, manifests or statuses", async () => {
  await using server = await startRedis({ password: DATABASE_PASSWORD });
  await server.cli("set", "k", USER_DATA);
  await server.cli("set", "k2", USER_DATA);
  const folder = await mkdtemp(join(tmpdir(), "holdfast-secrets-"));
  await writeFile(join(folder, "objects.yaml"), objects({ port: server.port, store: join(folder, "store") }));
  const seen: string[] = [];
  const by = {
    flags: ["--url", `redis://default@127.0.0.1:${server.port}`, "--store", join(folder, "store")],
    objects: ["--manifests", folder, "--appbinding", "db", "--repository", "repo", "--namespace", "demo"],
  };
  const env = { RESTIC_PASSWORD: PASSPHRASE, HOLDFAST_DATABASE_PASSWORD: DATABASE_PASSWORD, HOLDFAST_LOG_LEVEL: "debug" };

  // Long enough to be looked at.
  await server.cli("config", "set", "rdb-key-save-delay", "2000000");
  await using running = startHoldfast(["redis-backup", ...by.flags], { env });
  await running.logged("Backup started");
  seen.push(readFileSync(`/proc/${running.pid}/cmdline`, "latin1"));
  const first = await running.outcome;
  await server.cli("config", "set", "rdb-key-save-delay", "0");
  const outcomes = [
    first,
    await runHoldfast(["redis-backup", ...by.objects], { env: { HOLDFAST_LOG_LEVEL: "debug", RESTIC_PASSWORD: "" } }),
    await runHoldfast(["redis-backup", ...by.flags], { env: { ...env, HOLDFAST_DATABASE_PASSWORD: WRONG_PASSWORD } }),
    await runHoldfast(["redis-restore", ...by.flags], { env }),
    await runHoldfast(["snapshots", "--store", join(folder, "store"), "--json"], { env }),
    await runHoldfast(["verify", "--store", join(folder, "store")], { env: { ...env, RESTIC_PASSWORD: WRONG_PASSWORD } }),
    await runHoldfast(["redis-backup", "--url", `redis://default:${DATABASE_PASSWORD}@127.0.0.1:1`, "--store", "x"], { env }),
    await runHoldfast(["redis-backup", "--password", DATABASE_PASSWORD, `--passphrase=${PASSPHRASE}`], { env }),
  ];
  for (const { stdout, stderr, report } of outcomes) seen.push(stdout, stderr, JSON.stringify(report ?? {}));
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter(
    (entry) => entry.isFile() && entry.name !== "objects.yaml",
  );
  for (const file of files) seen.push(readFileSync(join(file.parentPath, file.name), "latin1"));
  await rm(folder, { recursive: true, force: true });

  expect(outcomes.map(({ exitCode }) => exitCode)).toEqual([0, 0, 21, 2, 0, 12, 2, 2]);
  expect(files.length).toBeGreaterThanOrEqual(8);
  for (const text of seen) expect(text).not.toMatch(CANARIES);
});

function objects({ port, store }: { port: number; store: string }): string {
  const metadata = (name: string) => ({ name, namespace: "demo" });
  return [
    {
      apiVersion: "appcatalog.appscode.com/v1alpha1",
      kind: "AppBinding",
      metadata: metadata("db"),
      spec: { clientConfig: { url: `redis://127.0.0.1:${port}` }, secret: { name: "auth" } },
    },
    { apiVersion: "v1", kind: "Secret", metadata: metadata("auth"), stringData: { password: DATABASE_PASSWORD } },
    { apiVersion: "v1", kind: "Secret", metadata: metadata("storage"), stringData: { RESTIC_PASSWORD: PASSPHRASE } },
    {
      apiVersion: "stash.appscode.com/v1alpha1",
      kind: "Repository",
      metadata: metadata("repo"),
      spec: { backend: { local: { mountPath: store, emptyDir: {} }, storageSecretName: "storage" } },
    },
  ]
    .map((object) => JSON.stringify(object))
    .join("\n---\n");
}
