import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { type RedisServer, startRedis } from "../servers/redis-server.ts";
import { fillRedis } from "../tools/redis-dataset.ts";
import { describeData, expectSameData } from "../tools/redis-equality.ts";
import { makeStashInstallation, type OutputJson, type StashInstallation, serverAt } from "./stash-installation.ts";

let source: RedisServer;
let target: RedisServer;
let stash: StashInstallation;

beforeAll(async () => {
  source = await startRedis();
  await fillRedis(source);
});
afterAll(() => source.stop());
beforeEach(async () => {
  target = await startRedis();
  stash = makeStashInstallation();
  stash.appBinding("source", serverAt(source.port));
  stash.appBinding("target", serverAt(target.port));
});
afterEach(async () => {
  stash[Symbol.dispose]();
  await target.stop();
});

const ref = (name: string) => ({ apiVersion: "appcatalog.appscode.com/v1alpha1", kind: "AppBinding", name, namespace: "demo" });
const GO_DURATION = /^(\d+m)?\d+(\.\d+)?s$|^\d+(\.\d+)?ms$/;

/** Restores what was backed up of another target, which takes the snapshot's id. */
function idOf(output: OutputJson | undefined): string {
  return output?.targetStatus.stats[0]?.snapshots?.[0]?.name.slice(-8) ?? "";
}

test("called as Stash calls its addon, a backup succeeds, and a restore of it by its last 8 digits makes an equal server", async () => {
  const backup = await stash.backup("source");
  const restore = await stash.restore("target", { snapshot: idOf(backup.output) });

  expect(backup).toMatchObject({
    exitCode: 0,
    report: { outcome: "Succeeded", snapshot: { host: "host-0", target: "demo/AppBinding/source" } },
  });
  expect(backup.output).toEqual({
    targetStatus: {
      ref: ref("source"),
      stats: [
        {
          hostname: "host-0",
          phase: "Succeeded",
          snapshots: [
            {
              name: expect.stringMatching(/^\d{8}T\d{6}Z-[0-9a-f]{8}$/),
              path: "dump.rdb",
              totalSize: expect.stringMatching(/^\d+\.\d{3} [KM]iB$/),
              uploaded: expect.stringMatching(/^\d+\.\d{3} [KM]iB$/),
              processingTime: expect.stringMatching(/^\d+:\d\d$/),
              fileStats: { totalFiles: 1, newFiles: 1, modifiedFiles: 0, unmodifiedFiles: 0 },
            },
          ],
          duration: expect.stringMatching(GO_DURATION),
        },
      ],
    },
  });
  expect(restore).toMatchObject({ exitCode: 0, report: { outcome: "Succeeded" } });
  expect(restore.output).toEqual({
    targetStatus: { ref: ref("target"), stats: [{ hostname: "host-0", phase: "Succeeded", duration: expect.stringMatching(GO_DURATION) }] },
  });
  expectSameData(await describeData(source), await describeData(target));
});

describe("output.json", () => {
  test("is indented by two spaces, readable for other users and writable for none (S9)", async () => {
    await stash.backup("source");

    const text = readFileSync(stash.outputFile, "utf8");

    expect(text).toBe(`${JSON.stringify(JSON.parse(text), undefined, 2)}\n`);
    expect((statSync(stash.outputFile).mode & 0o777).toString(8)).toBe("644");
    expect((statSync(join(stash.outputFile, "..")).mode & 0o022).toString(8)).toBe("0");
    expect(readdirSync(join(stash.outputFile, ".."))).toEqual(["output.json"]);
  });

  test.each([
    ["output-backup-succeeded.json", (): Promise<unknown> => stash.backup("source")],
    ["output-backup-failed.json", () => stash.backup("missing")],
    [
      "output-restore-succeeded.json",
      async () => {
        const { output } = await stash.backup("source");
        return stash.restore("target", { snapshot: idOf(output) });
      },
    ],
  ] as const)("has the form of %s", async (name, run) => {
    await run();

    const form = describeForm(stash.output());

    expect(form).toEqual(expect.arrayContaining(formOf(name)));
    expect(form.filter((line) => !formOf(name).includes(line))).toEqual(
      name.includes("failed") ? ["targetStatus.stats.0.duration: string"] : [],
    );
  });
});

/** Paths and types, in no order. */
function describeForm(value: unknown, path = ""): string[] {
  if (typeof value !== "object" || value === null) return [`${path}: ${typeof value}`];
  return Object.entries(value).flatMap(([key, inner]) => describeForm(inner, path === "" ? key : `${path}.${key}`));
}

const HOST = ["hostname", "phase"].map((name) => `targetStatus.stats.0.${name}: string`);
const REF = ["apiVersion", "kind", "name", "namespace"].map((name) => `targetStatus.ref.${name}: string`);
const SNAPSHOT = ["name", "path", "totalSize", "uploaded", "processingTime"].map(
  (name) => `targetStatus.stats.0.snapshots.0.${name}: string`,
);
const FILES = ["totalFiles", "newFiles", "modifiedFiles", "unmodifiedFiles"].map(
  (name) => `targetStatus.stats.0.snapshots.0.fileStats.${name}: number`,
);
const FORMS: Readonly<Record<string, readonly string[]>> = {
  "output-backup-succeeded.json": [...REF, ...HOST, ...SNAPSHOT, ...FILES, "targetStatus.stats.0.duration: string"],
  "output-backup-failed.json": [...REF, ...HOST, "targetStatus.stats.0.error: string"],
  "output-restore-succeeded.json": [...REF, ...HOST, "targetStatus.stats.0.duration: string"],
};

/** Where the samples lie beside the checkout, they are compared too. */
function formOf(name: string): readonly string[] {
  const sample = join(import.meta.dirname, "../../../shared/samples/stash/synthetic", name);
  const own = FORMS[name] as readonly string[];
  if (existsSync(sample)) expect(describeForm(JSON.parse(readFileSync(sample, "utf8"))).toSorted()).toEqual(own.toSorted());
  return own;
}

describe("the database", () => {
  test("holds nothing of ours after a backup and a restore (D6)", async () => {
    await source.cli("-n", "3", "set", "of db 3", "x");
    const before = await describeData(source);
    const { output } = await stash.backup("source", { args: "-db 3" });
    const after = await describeData(source);

    await stash.restore("target", { snapshot: idOf(output), args: "-n 3" });
    const keys = await target.cli("-n", "3", "keys", "*");
    await source.cli("-n", "3", "del", "of db 3");

    expectSameData(before, after);
    expect(keys).toBe("of db 3");
    expect(await target.cli("info", "keyspace")).toMatch(/^# Keyspace\s+db3:keys=1\S*$/);
  });

  test("a second restore doubles no list: it is refused, unless the policy says what to do (D8)", async () => {
    const { output } = await stash.backup("source");
    const again = (variables = {}) => stash.restore("target", { snapshot: idOf(output), ...variables });
    await again();

    const second = await again();
    const afterSecond = await describeData(target);
    const third = await again({ args: "--policy replace --pipe-timeout 300" });

    expect(second).toMatchObject({ exitCode: 0, report: { code: 21, reason: "TargetNotEmpty" } });
    expect(second.output?.targetStatus.stats[0]).toMatchObject({ phase: "Failed", error: expect.stringContaining("--policy replace") });
    expectSameData(await describeData(source), afterSecond);
    expect(third.output?.targetStatus.stats[0]).toMatchObject({ phase: "Succeeded" });
    expectSameData(await describeData(source), await describeData(target));
  });
});

describe("which snapshot is restored", () => {
  test("latest is the target's own, never another target's in the same repository (D13)", async () => {
    await target.cli("set", "own", "1");
    await stash.backup("target");
    await stash.backup("source");
    await target.cli("flushall");

    const restore = await stash.restore("target", { snapshot: "latest" });

    expect(restore).toMatchObject({ exitCode: 0, report: { snapshot: { target: "demo/AppBinding/target" } } });
    expect(await target.cli("keys", "*")).toBe("own");
  });

  test("when the target has none, the others' are named and none is taken (D13)", async () => {
    const backup = await stash.backup("source");

    const restore = await stash.restore("target");

    expect(restore).toMatchObject({ exitCode: 0, report: { code: 10 } });
    expect(restore.output?.targetStatus.stats[0]?.error).toContain(`demo/source host host-0: ${backup.report?.snapshot?.id}`);
    expect(await target.cli("dbsize")).toBe("0");
  });

  test("the host is the alias, or the rule's source host", async () => {
    await target.cli("set", "k", "v");
    const [a, b] = [await stash.backup("target", { hostname: "a" }), await stash.backup("target", { hostname: "b" })];
    const restored = async (variables: Record<string, string>) => {
      const { report, output } = await stash.restore("target", { ...variables, args: "--policy replace" });
      return [report?.snapshot?.id ?? report?.reason, output?.targetStatus.stats[0]?.hostname];
    };

    const outcomes = [
      await restored({ hostname: "a" }),
      await restored({ hostname: "a", sourceHostname: "b" }),
      await restored({ sourceHostname: "b" }),
      await restored({}),
    ];

    const [idOfA, idOfB] = [a.report?.snapshot?.id, b.report?.snapshot?.id];
    expect(outcomes).toEqual([
      [idOfA, "a"],
      [idOfB, "a"],
      [idOfB, "host-0"],
      ["SnapshotNotFound", "host-0"],
    ]);
  });

  test("several snapshots are refused by name, and nothing is written", async () => {
    const { output } = await stash.backup("source");

    const restore = await stash.restore("target", { snapshot: `${idOf(output)},latest` });

    expect(restore.output?.targetStatus.stats[0]).toMatchObject({
      phase: "Failed",
      error: expect.stringContaining("--snapshot names several"),
    });
    expect(await target.cli("dbsize")).toBe("0");
  });
});

describe("a BackupSession", () => {
  const metadata = { name: "session-1", namespace: "demo", uid: "0b1c", creationTimestamp: "2026-01-01T00:00:00Z" };
  const session = (status: object) => ({
    apiVersion: "stash.appscode.com/v1beta1",
    kind: "BackupSession",
    metadata,
    spec: { invoker: { apiGroup: "stash.appscode.com", kind: "BackupConfiguration", name: "bc" } },
    status,
  });
  const statusIn = (folder: string) =>
    readdirSync(folder)
      .filter((name) => name.startsWith("BackupSession.demo.session-1"))
      .map((name) => readFileSync(join(folder, name), "utf8"));

  test("is told that the repository is there; its host stats are left to update-status", async () => {
    stash.object(session({ targets: [{ ref: ref("source"), totalHosts: 1, preBackupActions: ["InitializeBackendRepository"] }] }));

    const { output } = await stash.backup("source", { backupSession: "session-1" });

    const [status] = statusIn(stash.folder);
    expect(output?.targetStatus.stats[0]).toMatchObject({ phase: "Succeeded" });
    expect(status).toMatch(/type: BackendRepositoryInitialized\n\s+status: "?True/);
    expect(status).not.toContain("stats");
  });

  test("is told why there is no repository", async () => {
    stash.object(session({ targets: [{ ref: ref("source"), totalHosts: 1, preBackupActions: ["InitializeBackendRepository"] }] }));
    const inAFile = join(stash.folder, "1-Secret.yaml/store");

    const { output } = await stash.backup("source", { backupSession: "session-1", bucket: inAFile });

    expect(output?.targetStatus.stats[0]).toMatchObject({ phase: "Failed", error: expect.stringContaining(inAFile) });
    expect(statusIn(stash.folder)[0]).toMatch(/reason: FailedToInitializeBackendRepository/);
  });

  test("that does not exist fails the backup before anything is read", async () => {
    const { output, exitCode } = await stash.backup("source", { backupSession: "session-1" });

    expect(exitCode).toBe(0);
    expect(output?.targetStatus.stats[0]).toMatchObject({ phase: "Failed", error: expect.stringContaining("session-1") });
    expect(await stash.snapshots()).toEqual([]);
  });
});
