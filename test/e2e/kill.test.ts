import { readdirSync, statSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type RedisServer, startRedis } from "../servers/redis-server.ts";
import { fillRedis } from "../tools/redis-dataset.ts";
import { describeData, diffData } from "../tools/redis-equality.ts";
import { connectResp } from "../tools/resp.ts";
import { seededRandom } from "../tools/seeded-random.ts";
import { type RunningHoldfast, runHoldfast, startHoldfast } from "./holdfast-process.ts";

let server: RedisServer;
let folder: string;

beforeAll(async () => {
  server = await startRedis();
  await fillRedis(server);
});
afterAll(() => server.stop());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-kill-"));
});
afterEach(async () => {
  await setSaveDelay(0);
  await rm(folder, { recursive: true, force: true });
});

const flags = (of: RedisServer) => ["--url", `redis://127.0.0.1:${of.port}`, "--store", folder];
const setSaveDelay = (microseconds: number) => server.cli("config", "set", "rdb-key-save-delay", String(microseconds));

/** Files of the repository, by what their path says. */
function files(pattern: RegExp): string[] {
  try {
    const names = readdirSync(folder, { recursive: true }).map(String);
    return names.filter((name) => pattern.test(name));
  } catch (error) {
    // A folder that is made or removed while we look: look again.
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

/** Resolves as soon as the repository holds such a file: looks without pause, to be as close to the state as can be. */
async function until(running: RunningHoldfast, reached: () => boolean): Promise<void> {
  let hasEnded = false;
  void running.outcome.then(() => {
    hasEnded = true;
  });
  while (!reached()) {
    if (hasEnded) throw new Error(`The process ended too early: ${(await running.outcome).stderr}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function listIds(): Promise<string[]> {
  const { exitCode, stdout, stderr } = await runHoldfast(["snapshots", "--store", folder, "--json"]);
  if (exitCode === 10) return [];
  if (exitCode !== 0) throw new Error(stderr);
  return (JSON.parse(stdout) as { id: string }[]).map(({ id }) => id);
}

async function expectRestorable(id: string, source = server): Promise<void> {
  await using target = await startRedis();
  const restore = await runHoldfast(["redis-restore", ...flags(target), "--snapshot", id]);
  expect(restore.exitCode).toBe(0);
  expect(diffData(await describeData(source), await describeData(target))).toEqual([]);
}

test.each([
  ["the first key file lies there", () => files(/^holdfast\/keys\/1\.age$/).length > 0],
  ["the settings lie there", () => files(/^holdfast\/repository\.json$/).length > 0],
  ["the lease lies there", () => files(/^holdfast\/leases\/backup-.*\.json$/).length > 0],
])("kill -9 of a first backup when %s leaves a place where the next backup works", async (_state, reached) => {
  await setSaveDelay(20_000);
  await using running = startHoldfast(["redis-backup", ...flags(server)]);
  await until(running, reached);
  running.kill("SIGKILL");
  expect((await running.outcome).signal).toBe("SIGKILL");

  const listed = await listIds();
  await setSaveDelay(0);
  const next = await runHoldfast(["redis-backup", ...flags(server)]);

  expect(listed).toEqual([]);
  expect(next.exitCode).toBe(0);
  await expectRestorable(next.report?.snapshot?.id as string);
});

describe("kill -9 of a later backup", () => {
  const sizeOf = (file: string) => statSync(join(folder, file), { throwIfNoEntry: false })?.size ?? 0;

  test.each([
    ["the database sends", (file: string) => /leases\/backup-/.test(file), { keys: 8, secondsEach: 0.5 }],
    // A lease is written aside too.
    [
      "an object is being written",
      (file: string) => file.startsWith(".incoming/") && sizeOf(file) > 1024 * 1024,
      { keys: 8, secondsEach: 0.5 },
    ],
    // More than an object takes (64 MiB).
    [
      "an object lies there, the manifest does not",
      (file: string) => /holdfast\/data\/.*000001\.zst\.age$/.test(file),
      { keys: 90, secondsEach: 0.06 },
    ],
  ])("when %s lists no snapshot of it and leaves the earlier ones restorable", async (_state, reached, { keys, secondsEach }) => {
    await using source = await startRedis();
    await fillMegabytes(source, keys);
    const first = await runHoldfast(["redis-backup", ...flags(source)]);
    const id = first.report?.snapshot?.id as string;
    const before = new Set(files(/./));
    await source.cli("config", "set", "rdb-key-save-delay", String(secondsEach * 1e6));
    await using running = startHoldfast(["redis-backup", ...flags(source)]);
    await until(running, () => files(/./).some((file) => !before.has(file) && reached(file)));
    running.kill("SIGKILL");
    const killed = await running.outcome;

    const listed = await listIds();
    await source.cli("config", "set", "rdb-key-save-delay", "0");
    const next = await runHoldfast(["redis-backup", ...flags(source)]);

    expect(killed.signal).toBe("SIGKILL");
    expect(listed).toEqual([id]);
    expect(next.exitCode).toBe(0);
    expect(await listIds()).toEqual([id, next.report?.snapshot?.id]);
    await expectRestorable(id, source);
  });
});

/** Keys of a megabyte each, which does not compress. */
async function fillMegabytes(source: RedisServer, keys: number): Promise<void> {
  const random = seededRandom(5);
  await using connection = await connectResp(source);
  for (let key = 0; key < keys; key += 1) await connection.call("SET", `key:${key}`, random.bytes(1024 * 1024));
}

test("kill -9 at the moment the manifest lies there leaves a snapshot that restores", async () => {
  await using running = startHoldfast(["redis-backup", ...flags(server)]);
  await until(running, () => files(/snapshots\/[^/]*Z-[0-9a-f]{8}\.manifest$/).length > 0);
  running.kill("SIGKILL");
  await running.outcome;

  const listed = await listIds();

  expect(listed).toHaveLength(1);
  await expectRestorable(listed[0] as string);
});

test.each([
  ["SIGTERM", 143],
  ["SIGINT", 130],
] as const)("%s during a backup ends with %d, says so, and leaves nothing behind", async (signal, code) => {
  await setSaveDelay(20_000);
  await using running = startHoldfast(["redis-backup", ...flags(server)]);
  await until(running, () => files(/leases\/backup-/).length > 0);

  running.kill(signal);
  const outcome = await running.outcome;

  expect(outcome).toMatchObject({ exitCode: code, report: { outcome: "Failed", code, reason: "Interrupted" } });
  expect(files(/holdfast\/(data|leases|snapshots)\/.*\.(age|json|manifest)$/)).toEqual([]);
  expect(await listIds()).toEqual([]);
});

test("SIGTERM during a restore ends with 143 and says what was written; skip goes on from there to an equal copy", async () => {
  await using target = await startRedis();
  await runHoldfast(["redis-backup", ...flags(server)]);
  await target.cli("client", "pause", "60000", "write");
  await using running = startHoldfast(["redis-restore", ...flags(target)]);
  await running.logged("Restore started");

  running.kill("SIGTERM");
  const outcome = await running.outcome;
  await target.cli("client", "unpause");
  const again = await runHoldfast(["redis-restore", ...flags(target), "--policy", "skip"]);

  expect(outcome).toMatchObject({ exitCode: 143, report: { code: 143, reason: "Interrupted" } });
  expect(again.exitCode).toBe(0);
  expect(diffData(await describeData(server), await describeData(target))).toEqual([]);
});

test("a server killed in the middle of its answer fails the backup with 20, and no snapshot is listed", async () => {
  const victim = await startRedis({ arguments: ["--rdb-key-save-delay", "20000"] });
  await fillRedis(victim);
  await using running = startHoldfast(["redis-backup", ...flags(victim)]);
  await running.logged("The snapshot begins");

  await victim.stop();
  const outcome = await running.outcome;

  expect(outcome).toMatchObject({ exitCode: 20, report: { outcome: "Failed", code: 20 } });
  expect(await listIds()).toEqual([]);
});

test("a deadline ends a backup that takes too long with 3", async () => {
  await setSaveDelay(50_000);

  const outcome = await runHoldfast(["redis-backup", ...flags(server), "--timeout", "2"]);

  expect(outcome).toMatchObject({ exitCode: 3, report: { reason: "DeadlineExceeded" } });
  expect(await listIds()).toEqual([]);
});

test("a full disk fails the backup with 31, and the earlier snapshot still restores once there is room", async () => {
  await using big = await startRedis();
  await fillRedis(big);
  await big.cli(
    "eval",
    "math.randomseed(7) for i=1,600 do local t={} for j=1,2000 do t[j]=string.format('%08x',math.random(0,2147483647)) end redis.call('set','big'..i,table.concat(t)) end",
    "0",
  );
  const script = 'mount -t tmpfs -o size=2m tmpfs "$1" && shift && exec "$@"';

  const outcome = await runHoldfast(["redis-backup", ...flags(big)], { prefix: ["unshare", "-rm", "sh", "-c", script, "sh", folder] });

  expect(outcome).toMatchObject({ exitCode: 31, report: { outcome: "Failed", code: 31 } });
  expect(outcome.stderr).toMatch(/full|space/i);
});
