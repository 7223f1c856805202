import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type HttpFault, onFirst, startFaultyHttpProxy } from "../fakes/faulty-http-proxy.ts";
import { type RedisServer, startRedis } from "../servers/redis-server.ts";
import type { S3Server } from "../servers/s3-server.ts";
import { startVersitygw } from "../servers/versitygw.ts";
import { fillRedis } from "../tools/redis-dataset.ts";
import { describeData, diffData } from "../tools/redis-equality.ts";
import { runHoldfast } from "./holdfast-process.ts";
import { HURRIED } from "./hurried.ts";

let server: RedisServer;
let s3: S3Server;
let bucketNumber = 0;

beforeAll(async () => {
  server = await startRedis();
  await fillRedis(server);
  s3 = await startVersitygw();
}, 600_000);
afterAll(async () => {
  await server.stop();
  await s3.stop();
});

const credentials = (of: S3Server) => ({ AWS_ACCESS_KEY_ID: of.accessKey, AWS_SECRET_ACCESS_KEY: of.secretKey });
const database = (of: RedisServer) => ["--url", `redis://127.0.0.1:${of.port}`];

async function newBucket(of: S3Server = s3): Promise<string> {
  const name = `bucket-${++bucketNumber}`;
  await of.createBucket(name);
  return name;
}

async function listIds(bucket: string): Promise<string[]> {
  const list = await runHoldfast(["snapshots", "--store", `s3://${bucket}/backups`, "--s3-endpoint", s3.endpoint, "--json"], {
    env: credentials(s3),
  });
  if (list.exitCode === 10) return [];
  if (list.exitCode !== 0) throw new Error(list.stderr);
  return (JSON.parse(list.stdout) as { id: string }[]).map(({ id }) => id);
}

test("a backup to S3, over TLS with an own authority, is verified and restored equal", async () => {
  await using tls = await startVersitygw({ tls: true });
  await using target = await startRedis();
  const folder = await mkdtemp(join(tmpdir(), "holdfast-ca-"));
  const ca = join(folder, "ca.pem");
  await writeFile(ca, tls.ca as string);
  const bucket = await newBucket(tls);
  const at = ["--store", `s3://${bucket}/some/prefix`, "--s3-endpoint", tls.endpoint, "--s3-ca", ca];
  const env = credentials(tls);

  const backup = await runHoldfast(["redis-backup", ...database(server), ...at], { env });
  const unknownAuthority = await runHoldfast(["snapshots", ...at.slice(0, 4)], { env });
  const verify = await runHoldfast(["verify", ...at], { env });
  const restore = await runHoldfast(["redis-restore", ...database(target), ...at], { env });
  await rm(folder, { recursive: true, force: true });

  expect(backup.exitCode).toBe(0);
  expect(unknownAuthority.exitCode).toBe(31);
  expect(verify.exitCode).toBe(0);
  expect(restore.exitCode).toBe(0);
  expect(diffData(await describeData(server), await describeData(target))).toEqual([]);
});

test.each([
  ["a wrong secret", { AWS_SECRET_ACCESS_KEY: "wrong-secret-key-000" }, undefined, 31],
  ["an unknown key", { AWS_ACCESS_KEY_ID: "nobody" }, undefined, 31],
  ["a missing bucket", {}, "no-such-bucket", 31],
])("%s ends with its exit code and names no secret", async (_title, wrong, missing, code) => {
  const bucket = missing ?? (await newBucket());
  const env = { ...credentials(s3), ...wrong };

  const backup = await runHoldfast(
    ["redis-backup", ...database(server), "--store", `s3://${bucket}/backups`, "--s3-endpoint", s3.endpoint],
    { env },
  );

  expect(backup).toMatchObject({ exitCode: code, report: { code } });
  expect(backup.stderr).not.toContain(env.AWS_SECRET_ACCESS_KEY);
});

const busy: HttpFault = { kind: "answer", status: 503, code: "SlowDown" };
const broken: HttpFault = { kind: "answer", status: 500, code: "InternalError" };

test.each([
  ["answers 503 to the first three uploads", onFirst(busy, /^PUT/, 3)],
  ["answers 500 to the commit once", onFirst(broken, /^PUT .*\.manifest/, 1)],
  ["loses its answer to the commit", onFirst({ kind: "lose answer" }, /^PUT .*\.manifest/, 1)],
])("a store that %s still gets one whole snapshot", async (_title, fault) => {
  await using proxy = await startFaultyHttpProxy(s3.port);
  await using target = await startRedis();
  const bucket = await newBucket();
  proxy.break(fault);

  const backup = await runHoldfast(
    ["redis-backup", ...database(server), "--store", `s3://${bucket}/backups`, "--s3-endpoint", proxy.endpoint],
    { env: credentials(s3) },
  );
  const restore = await runHoldfast(
    ["redis-restore", ...database(target), "--store", `s3://${bucket}/backups`, "--s3-endpoint", s3.endpoint],
    { env: credentials(s3) },
  );

  expect(proxy.brokenRequests).toBeGreaterThan(0);
  expect(backup.exitCode).toBe(0);
  expect(await listIds(bucket)).toEqual([backup.report?.snapshot?.id]);
  expect(restore.exitCode).toBe(0);
  expect(diffData(await describeData(server), await describeData(target))).toEqual([]);
});

test.each([
  ["every object", /^(PUT|POST) .*\/data\//, { kind: "answer", status: 403, code: "AccessDenied" }, 31],
  ["every manifest", /^PUT .*\.manifest/, { kind: "answer", status: 403, code: "AccessDenied" }, 31],
] as const)(
  "a store that refuses %s fails the backup, lists nothing new, and keeps the earlier snapshot",
  async (_title, pattern, fault, code) => {
    await using proxy = await startFaultyHttpProxy(s3.port);
    const bucket = await newBucket();
    const at = (endpoint: string) => [...database(server), "--store", `s3://${bucket}/backups`, "--s3-endpoint", endpoint];
    const first = await runHoldfast(["redis-backup", ...at(s3.endpoint)], { env: credentials(s3) });
    proxy.break(({ method, url }) => (pattern.test(`${method} ${url}`) ? fault : undefined));

    const second = await runHoldfast(["redis-backup", ...at(proxy.endpoint)], { env: credentials(s3) });
    const verify = await runHoldfast(["verify", ...at(s3.endpoint).slice(2)], { env: credentials(s3) });

    expect(first.exitCode).toBe(0);
    expect(second).toMatchObject({ exitCode: code, report: { outcome: "Failed" } });
    expect(await listIds(bucket)).toEqual([first.report?.snapshot?.id]);
    expect(verify.exitCode).toBe(0);
  },
);

test("a store that turns a bit of what it gives back is found out by --verify-after, with 3", async () => {
  await using proxy = await startFaultyHttpProxy(s3.port);
  const bucket = await newBucket();
  proxy.break(({ method, url }) => (method === "GET" && url.includes("/data/") ? { kind: "flip answer", atByte: 5000 } : undefined));
  const at = ["--store", `s3://${bucket}/backups`, "--s3-endpoint", proxy.endpoint];

  const backup = await runHoldfast(["redis-backup", ...database(server), ...at, "--verify-after"], { env: credentials(s3) });

  expect(proxy.brokenRequests).toBeGreaterThan(0);
  expect(backup).toMatchObject({ exitCode: 3, report: { reason: "VerificationFailed" } });
  expect(backup.stderr).toContain("000001.zst.age");
});

test("a store whose server is gone is 30", async () => {
  const gone = await startFaultyHttpProxy(s3.port);
  await gone[Symbol.asyncDispose]();

  const list = await runHoldfast(["snapshots", "--store", "s3://bucket/backups", "--s3-endpoint", gone.endpoint], {
    env: { ...credentials(s3), ...HURRIED },
  });

  expect(list.exitCode).toBe(30);
}, 120_000);
