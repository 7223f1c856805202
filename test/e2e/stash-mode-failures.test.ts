import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { startTcpProxy } from "../fakes/tcp-proxy.ts";
import { freePort } from "../servers/free-port.ts";
import { type RedisServer, startRedis } from "../servers/redis-server.ts";
import { startVersitygw } from "../servers/versitygw.ts";
import { runHoldfast } from "./holdfast-process.ts";
import { makeStashInstallation, type StashInstallation, type StashOutcome, serverAt } from "./stash-installation.ts";

let server: RedisServer;
/** Its snapshots never end. */
let slow: RedisServer;
let stash: StashInstallation;

beforeAll(async () => {
  server = await startRedis();
  await server.cli("set", "k", "v");
  slow = await startRedis({ arguments: ["--rdb-key-save-delay", "20000000"] });
  await slow.cli("mset", "k", "v", "k2", "v");
});
afterAll(async () => {
  await server.stop();
  await slow.stop();
});
beforeEach(() => {
  stash = makeStashInstallation();
  stash.appBinding("db", serverAt(server.port));
  stash.appBinding("slow", serverAt(slow.port));
});
afterEach(() => stash[Symbol.dispose]());

const hostOf = ({ output }: Pick<StashOutcome, "output">) => output?.targetStatus.stats[0];

test("a Redis that is down is waited for as long as --wait-timeout says, and not longer (R7)", async () => {
  stash.appBinding("down", serverAt(await freePort()));

  const outcome = await stash.backup("down", { waitTimeout: "1" });

  expect(outcome).toMatchObject({ exitCode: 0, report: { code: 20, reason: "DatabaseUnreachable" } });
  expect(outcome.report?.durationSeconds).toBeGreaterThanOrEqual(1);
  expect(outcome.report?.durationSeconds).toBeLessThan(20);
  expect(hostOf(outcome)).toMatchObject({ phase: "Failed", error: expect.stringContaining("127.0.0.1") });
  expect(await stash.snapshots()).toEqual([]);
});

test("a wrong password is neither ready nor waited for (R7)", async () => {
  await using locked = await startRedis({ password: "right" });
  stash.appBinding("locked", serverAt(locked.port), { password: "wrong-canary" });

  const good = await stash.backup("db");
  const snapshot = good.report?.snapshot?.id ?? "";

  const backup = await stash.backup("locked", { waitTimeout: "600" });
  const restore = await stash.restore("locked", { waitTimeout: "600", snapshot });

  for (const outcome of [backup, restore]) {
    expect(outcome).toMatchObject({ exitCode: 0, report: { code: 21, reason: "WrongCredentials" } });
    expect(hostOf(outcome)).toMatchObject({ phase: "Failed", error: expect.stringContaining("password") });
    expect(JSON.stringify(outcome)).not.toContain("canary");
  }
});

test("without --output-dir the exit code is the truth", async () => {
  stash.appBinding("down", serverAt(await freePort()));
  const nowhere = { outputDir: "", waitTimeout: "0" };

  const outcomes = [await stash.backup("db", nowhere), await stash.backup("down", nowhere), await stash.restore("missing", nowhere)];
  const withoutProvider = await runHoldfast(["backup-redis", "--appbinding=db"]);

  expect([...outcomes, withoutProvider].map(({ exitCode }) => exitCode)).toEqual([0, 20, 2, 2]);
  expect(stash.output()).toBeUndefined();
});

describe("output.json", () => {
  test.each([
    ["an unknown flag", "--es-args=x", "unknown flag --es-args"],
    ["a wrong value", "--max-connections=many", '--max-connections is "many"'],
    ["a word too many", "stray", "a word that belongs to no flag"],
  ])("says so when the command line has %s, over whatever an earlier run left", async (_, word, error) => {
    mkdirSync(dirname(stash.outputFile), { recursive: true });
    writeFileSync(stash.outputFile, '{"targetStatus":{"stats":[{"phase":"Succeeded"}]}}');

    const outcome = await stash.backup("db", { hostname: "a" }, { more: [word] });

    expect(outcome.exitCode).toBe(0);
    expect(outcome.output?.targetStatus).toMatchObject({
      ref: { kind: "AppBinding", name: "db", namespace: "demo" },
      stats: [{ hostname: "a", phase: "Failed", error: expect.stringContaining(error) }],
    });
  });

  test("names a flag that must be present and is not", async () => {
    const outcome = await runHoldfast(["restore-redis", "--output-dir", dirname(stash.outputFile), "--provider=local"]);

    expect(outcome.exitCode).toBe(0);
    expect(hostOf({ output: stash.output() })).toMatchObject({
      phase: "Failed",
      error: expect.stringMatching(/--appbinding is required.*--storage-secret-name is required.*--storage-secret-namespace is required/s),
    });
  });

  test("that cannot be written makes the exit code non-zero, before anything is read", async () => {
    writeFileSync(join(stash.folder, "scratch"), "in the way");

    const outcome = await stash.backup("db");
    const refused = await stash.backup("db", {}, { more: ["--unheard-of"] });

    expect([outcome.exitCode, refused.exitCode]).toEqual([2, 2]);
    expect(outcome.stderr).toContain("Cannot write output.json");
    expect(await stash.snapshots()).toEqual([]);
  });

  test("says Failed first, which a SIGKILL leaves behind, and no earlier success", async () => {
    await stash.backup("db");
    await using running = stash.startBackup("slow");
    await running.logged("Backup started");

    running.kill("SIGKILL");
    const outcome = await running.outcome;

    expect(outcome.signal).toBe("SIGKILL");
    expect(hostOf({ output: stash.output() })).toMatchObject({
      hostname: "host-0",
      phase: "Failed",
      error: expect.stringContaining("has not ended"),
    });
  });

  test.each([
    ["SIGTERM", 143],
    ["SIGINT", 130],
  ] as const)("says so after %s, and only then the process ends with %i", async (signal, code) => {
    await using running = stash.startBackup("slow");
    await running.logged("Backup started");

    running.kill(signal);
    const outcome = await running.outcome;

    expect(outcome.exitCode).toBe(code);
    expect(hostOf({ output: stash.output() })).toMatchObject({ phase: "Failed", error: expect.stringContaining(signal) });
    expect(await stash.snapshots()).toEqual([]);
  });

  test("says so when the deadline passes, with exit code 0", async () => {
    const outcome = await stash.backup("slow", {}, { more: ["--timeout=2"] });

    expect(outcome).toMatchObject({ exitCode: 0, report: { reason: "DeadlineExceeded" } });
    expect(hostOf(outcome)).toMatchObject({ phase: "Failed", error: expect.stringContaining("2 s") });
  });
});

test("a dump that dies half-way leaves no snapshot beside the one before (D7)", async () => {
  const first = await stash.backup("db");
  await using proxy = await startTcpProxy(server, () => ({ kind: "reset", direction: "toClient", afterBytes: 20, countedFrom: "REDIS00" }));
  stash.appBinding("cut", serverAt(proxy.port));

  const cut = await stash.backup("cut");
  const snapshots = await stash.snapshots();

  expect(cut).toMatchObject({ exitCode: 0, report: { code: 20 } });
  expect(hostOf(cut)).toMatchObject({ phase: "Failed" });
  expect(hostOf(cut)?.snapshots).toBeUndefined();
  expect(snapshots.map(({ id }) => id)).toEqual([first.report?.snapshot?.id]);
});

test("a wrong passphrase fails and leads to no new repository (R10)", async () => {
  await stash.backup("db");
  const settings = readFileSync(join(stash.store, "holdfast/repository.json"), "utf8");
  stash.secret("other", "demo", { RESTIC_PASSWORD: "another passphrase" });

  const outcome = await stash.backup("db", { secretName: "other" });

  expect(outcome).toMatchObject({ exitCode: 0, report: { code: 12 } });
  expect(hostOf(outcome)).toMatchObject({ phase: "Failed", error: expect.stringMatching(/passphrase/i) });
  expect(readFileSync(join(stash.store, "holdfast/repository.json"), "utf8")).toBe(settings);
});

test("a store that is away fails the backup, and when it is back it has one repository, the same as before (R10)", async () => {
  await using s3 = await startVersitygw();
  await s3.createBucket("backups");
  stash.secret("s3", "demo", { RESTIC_PASSWORD: "x y z", AWS_ACCESS_KEY_ID: s3.accessKey, AWS_SECRET_ACCESS_KEY: s3.secretKey });
  const port = await freePort();
  const variables = { provider: "s3", bucket: "backups", prefix: "/stash/db", secretName: "s3", region: "us-east-1" };
  const directly = { ...variables, endpoint: s3.endpoint };

  const first = await stash.backup("db", directly);
  const away = await stash.backup("db", { ...variables, endpoint: `http://127.0.0.1:${port}` }, { more: ["--timeout=5"] });
  const second = await stash.backup("db", directly);
  const restore = await stash.restore("db", { ...directly, args: "--policy replace" });

  expect([first, second, restore].map((outcome) => hostOf(outcome)?.phase)).toEqual(["Succeeded", "Succeeded", "Succeeded"]);
  expect(hostOf(away)).toMatchObject({ phase: "Failed" });
  expect(first.stderr).toContain("Created a new repository");
  expect(second.stderr).not.toContain("Created a new repository");
  expect(restore.report?.snapshot?.id).toBe(second.report?.snapshot?.id);
}, 600_000);

test.each([
  [{ provider: "gcs", bucket: "b" }, /--provider is "gcs"/],
  [{ provider: "rest", endpoint: "https://x" }, /--provider is "rest"/],
  [{ bucket: "relative/path" }, /--bucket: expected an absolute path/],
  [{ provider: "s3", bucket: "" }, /--bucket: expected the name of a bucket/],
  [{ provider: "s3", bucket: "b", prefix: "a/../b" }, /--path: expected a path/],
  [{ secretName: "missing" }, /Secret "demo\/missing"/],
  [{ secretNamespace: "elsewhere" }, /Secret "elsewhere\/storage"/],
  [{ targetName: "missing" }, /AppBinding "demo\/missing"/],
  [{ args: "-filter user:*" }, /--filter/],
])("%j is refused by name", async (variables, message) => {
  const outcome = await stash.backup("db", variables);

  expect(outcome).toMatchObject({ exitCode: 0, report: { code: 2 } });
  expect(hostOf(outcome)).toMatchObject({ phase: "Failed", error: expect.stringMatching(message) });
});

test("no secret is in output.json, in the log or in argv", async () => {
  await using locked = await startRedis({ password: "canary-password" });
  stash.appBinding("locked", serverAt(locked.port), { password: "canary-password" });
  stash.secret("canary", "demo", { RESTIC_PASSWORD: "canary-passphrase" });

  const outcomes = [
    await stash.backup("locked", { secretName: "canary" }, { more: ["--log-level=debug"] }),
    await stash.restore("locked", { secretName: "canary", args: "-a canary-argument" }),
    await stash.restore("locked", { secretName: "canary" }, { more: ["--password=canary-flag"] }),
  ];

  expect(outcomes.map((outcome) => hostOf(outcome)?.phase)).toEqual(["Succeeded", "Failed", "Failed"]);
  expect(JSON.stringify(outcomes)).not.toMatch(/canary-(password|passphrase|argument|flag)/);
});
