import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ParameterError } from "../../runner/errors.ts";
import type { BackupFunction } from "../../runner/function.ts";
import { showSnapshots } from "../../runner/inspect.ts";
import { openFileCluster } from "../../runner/kubernetes/file-cluster.ts";
import { parseParameters } from "../../runner/parameters.ts";
import { runFunction } from "../../runner/run.ts";
import { backupParameters, snapshotsParameters } from "../../runner/runner-parameters.ts";

const functionThat: Omit<BackupFunction, "run"> = { kind: "backup", name: "sample-backup", engine: "sample", summary: "", parameters: {} };
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "holdfast-run-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function arrange() {
  const stop = new AbortController();
  const warnings: string[] = [];
  const ignore = () => undefined;
  const parts = {
    version: "0.0.0",
    signal: stop.signal,
    log: { debug: ignore, info: ignore, warn: ignore, error: ignore },
    redact: (text: string) => text,
    sources: {
      environment: { RESTIC_PASSWORD: "a long passphrase" },
      remember: ignore,
      signal: stop.signal,
      cluster: () => openFileCluster(join(folder, "objects.json")),
    },
    warn: (reason: string) => void warnings.push(reason),
    progress: ignore,
    print: async () => undefined,
  };
  return { parts, stop, warnings };
}

test("an address that the function cannot use is refused before anything is touched", async () => {
  const { parts } = arrange();
  const store = join(folder, "store");
  const parameters = parseParameters(backupParameters, { flags: { url: "sample://db", store }, environment: {} });
  const judge = () => {
    throw new ParameterError("No such place");
  };
  const run = () => Promise.reject(new Error("It ran"));

  await expect(runFunction({ ...functionThat, judge, run }, parameters, parts)).rejects.toThrow("No such place");
  expect(existsSync(store)).toBe(false);
});

test("a store whose certificate goes unchecked is warned of, for a backup and for a look", async () => {
  const manifests = join(folder, "objects.json");
  writeFileSync(manifests, objects());
  const flags = { url: "sample://db:1", manifests, repository: "repo" };
  const { parts, stop, warnings } = arrange();
  // The store is not there, and is not waited for.
  stop.abort(new Error("stopped"));
  const lookParameters = parseParameters(snapshotsParameters, { flags, environment: {} });
  const parameters = parseParameters(backupParameters, { flags, environment: {} });
  const sources = { ...parts.sources, signal: new AbortController().signal };

  await expect(runFunction({ ...functionThat, run: never }, parameters, { ...parts, sources })).rejects.toThrow("stopped");
  await expect(showSnapshots(lookParameters, { ...parts, sources })).rejects.toThrow("stopped");

  expect(warnings).toEqual(["StoreTLSNotVerified", "StoreTLSNotVerified"]);
});

function never(): Promise<never> {
  return Promise.reject(new Error("It ran"));
}

function objects(): string {
  const s3 = { endpoint: "https://127.0.0.1:1", bucket: "backups", insecureTLS: true };
  const metadata = (name: string) => ({ name, namespace: "default" });
  const items = [
    {
      apiVersion: "stash.appscode.com/v1alpha1",
      kind: "Repository",
      metadata: metadata("repo"),
      spec: { backend: { s3, storageSecretName: "storage" } },
    },
    { apiVersion: "v1", kind: "Secret", metadata: metadata("storage"), stringData: { RESTIC_PASSWORD: "a long passphrase" } },
  ];
  return JSON.stringify({ apiVersion: "v1", kind: "List", items });
}
