import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PASSPHRASE, runHoldfast } from "../e2e/holdfast-process.ts";
import { freePort } from "../servers/free-port.ts";
import { startPushgateway } from "../servers/pushgateway.ts";
import { type RedisServer, startRedis } from "../servers/redis-server.ts";
import { startVersitygw } from "../servers/versitygw.ts";

let server: RedisServer;
let folder: string;
let store: string;

beforeAll(async () => {
  server = await startRedis();
  await server.cli("set", "key", "value");
});
afterAll(() => server.stop());
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "holdfast-doctor-"));
  store = join(folder, "store");
  mkdirSync(store);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const places = () => ["--url", `redis://127.0.0.1:${server.port}`, "--store", store];

test("before the first backup everything is ok and nothing is written; after it the repository opens, for a restore too", async () => {
  const before = await runHoldfast(["doctor", ...places()]);
  const written = readdirSync(store);
  await runHoldfast(["redis-backup", ...places()]);
  const objects = readdirSync(store, { recursive: true });
  const after = await runHoldfast(["doctor", ...places()]);
  const forRestore = await runHoldfast(["doctor", ...places(), "--function", "redis-restore"]);

  expect([before.exitCode, after.exitCode, forRestore.exitCode]).toEqual([0, 0, 0]);
  expect(before.stdout).toContain("the first backup makes the repository");
  expect(written).toEqual([]);
  expect(after.stdout).toMatch(/^ok {7}Store and repository: the passphrase opens the repository/m);
  expect(readdirSync(store, { recursive: true })).toEqual(objects);
  expect(forRestore.stdout).toMatch(/^ok {7}Database: redis 7/m);
});

test("a database that is away and a passphrase that is wrong are both told, and the exit code is the first one's", async () => {
  await runHoldfast(["redis-backup", ...places()]);
  const away = ["--url", `redis://127.0.0.1:${await freePort()}`, "--store", store];

  const outcome = await runHoldfast(["doctor", ...away, "--json"], { env: { RESTIC_PASSWORD: "not the one" } });

  const { findings } = JSON.parse(outcome.stdout) as { findings: { check: string; status: string }[] };
  expect(outcome).toMatchObject({ exitCode: 20, report: { outcome: "Failed", reason: "DatabaseUnreachable" } });
  expect(findings.map(({ check, status }) => `${status} ${check}`)).toEqual([
    "ok Connection and credentials of the database",
    "missing Database",
    "ok Place of the backups",
    "missing Store and repository",
  ]);
  expect(outcome.stdout + outcome.stderr).not.toContain(PASSPHRASE);
});

test("a bucket that is missing, credentials that are wrong and a gateway that is there are told apart", async () => {
  await using s3 = await startVersitygw();
  await using gateway = await startPushgateway();
  const env = { AWS_ACCESS_KEY_ID: s3.accessKey, AWS_SECRET_ACCESS_KEY: s3.secretKey };
  const at = (bucket: string) => [
    ...["doctor", "--url", `redis://127.0.0.1:${server.port}`, "--store", `s3://${bucket}/prefix`],
    ...["--s3-endpoint", s3.endpoint, "--pushgateway-url", gateway.url],
  ];
  const bucket = "backups";
  await s3.createBucket(bucket);

  const sound = await runHoldfast(at(bucket), { env });
  const missing = await runHoldfast(at("no-such-bucket"), { env });
  const strange = await runHoldfast(at(bucket), { env: { ...env, AWS_SECRET_ACCESS_KEY: "wrong" } });

  expect([sound.exitCode, missing.exitCode, strange.exitCode]).toEqual([0, 31, 31]);
  expect(sound.stdout).toMatch(/^ok {7}Pushgateway: .* is ready$/m);
  expect(missing.stdout).toMatch(/^missing {2}Store and repository: .*no-such-bucket/m);
  expect(await gateway.series()).toEqual([]);
});
