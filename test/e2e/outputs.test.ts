import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type RedisServer, startRedis } from "../servers/redis-server.ts";
import { runHoldfast, startHoldfast } from "./holdfast-process.ts";

let server: RedisServer;
let folder: string;

beforeAll(async () => {
  server = await startRedis();
  await server.cli("set", "k", "v");
});
afterAll(() => server.stop());
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "holdfast-outputs-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const backup = () => ["redis-backup", "--url", `redis://127.0.0.1:${server.port}`, "--store", join(folder, "store")];
const through = (redirection: string) => ["bash", "-c", `"$@" ${redirection}`, "bash"];

test.each(["2> >(true)", "2>/dev/full"])("a log that cannot be written (%s) does not fail a backup", async (redirection) => {
  const outcome = await runHoldfast(backup(), { prefix: through(redirection) });

  expect(outcome).toMatchObject({ exitCode: 0, report: { outcome: "Succeeded" } });
});

test.each(["snapshots", "verify", "--help"])("%s whose reader went away ends as it would have", async (command) => {
  await runHoldfast(backup());

  const outcome = await runHoldfast([command, "--store", join(folder, "store")], { prefix: through("> >(true)") });

  expect(outcome.exitCode).toBe(0);
  expect(outcome.stderr).not.toMatch(/defect/i);
});

test("a list that does not fit where it is to be printed fails", async () => {
  await runHoldfast(backup());

  const outcome = await runHoldfast(["snapshots", "--store", join(folder, "store")], { prefix: through(">/dev/full") });

  expect(outcome).toMatchObject({ exitCode: 2, report: { message: expect.stringContaining("Cannot print") } });
});

test("a report that cannot be written is refused before anything is touched", async () => {
  const outcome = await runHoldfast([...backup(), "--report", join(folder, "missing/report.json")]);
  const list = await runHoldfast(["snapshots", "--store", join(folder, "store")]);

  expect(outcome.exitCode).toBe(2);
  expect(outcome.stderr).toContain("Cannot write the report");
  expect(list.exitCode).toBe(10);
});

test("the report and the termination message of an earlier run are not left to a run that was killed", async () => {
  const [report, terminationLog] = [join(folder, "report.json"), join(folder, "termination-log")];
  writeFileSync(terminationLog, "");
  const files = ["--report", report, "--termination-log", terminationLog];
  await runHoldfast([...backup(), ...files]);
  const before = JSON.parse(readFileSync(report, "utf8"));
  await server.cli("config", "set", "rdb-key-save-delay", "20000000");
  await using running = startHoldfast([...backup(), ...files]);
  await running.logged("Backup started");

  running.kill("SIGKILL");
  await running.outcome;
  await server.cli("config", "set", "rdb-key-save-delay", "0");

  expect(before).toMatchObject({ outcome: "Succeeded" });
  expect(JSON.parse(readFileSync(report, "utf8"))).toMatchObject({ outcome: "Failed", code: null, reason: "Running" });
  expect(JSON.parse(readFileSync(terminationLog, "utf8"))).toMatchObject({ code: null, reason: "Running" });
});

test.each([["--timeout", "soon"], ["--unknown"]])("nor to one whose parameters are wrong (%s)", async (...wrong) => {
  const [report, terminationLog] = [join(folder, "report.json"), join(folder, "termination-log")];
  for (const path of [report, terminationLog]) writeFileSync(path, '{"outcome":"Succeeded"}');
  const env = { HOLDFAST_REPORT: report, HOLDFAST_TERMINATION_LOG: terminationLog };

  const outcome = await runHoldfast([...backup(), ...wrong], { env });

  expect(outcome.exitCode).toBe(2);
  expect(JSON.parse(readFileSync(report, "utf8"))).toMatchObject({ outcome: "Failed", code: 2 });
  expect(JSON.parse(readFileSync(terminationLog, "utf8"))).toMatchObject({ code: 2, reason: "InvalidParameters" });
});
