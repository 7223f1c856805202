/** @jest-environment ./test/tools/one-realm-environment.cjs */
import { randomBytes, randomUUID } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { Secret } from "../../../runner/secret.ts";
import { applyRetention } from "../../../runner/snapshot/apply-retention.ts";
import { listSnapshotIds } from "../../../runner/snapshot/list-snapshots.ts";
import { measureRepository } from "../../../runner/snapshot/measure-repository.ts";
import { prune } from "../../../runner/snapshot/prune.ts";
import { openOrCreateRepository } from "../../../runner/snapshot/repository.ts";
import { verifySnapshots } from "../../../runner/snapshot/verify.ts";
import { startSnapshot } from "../../../runner/snapshot/write-snapshot.ts";
import { openStore } from "../../../runner/storage/open-store.ts";
import { ensureProgram } from "../../servers/install.ts";
import { isMinioWanted, startMinio } from "../../servers/minio.ts";
import type { S3Server } from "../../servers/s3-server.ts";
import { startVersitygw } from "../../servers/versitygw.ts";
import { failOnWarning, head, passphrase, readBack, result, takeSnapshot } from "../../unit/snapshot/snapshot-parts.ts";

const HOUR = 60 * 60 * 1000;
const BUCKET = "backups";
const start = Date.parse("2025-01-02T03:04:05Z");
const at = (hours: number) => () => new Date(start + hours * HOUR);
const never = new AbortController().signal;

const servers: [string, () => Promise<S3Server>][] = [["versitygw", () => startVersitygw()]];
if (await isMinioWanted()) servers.push(["MinIO", () => startMinio()]);

describe.each(servers)("on %s", (_, startServer) => {
  let server: S3Server;
  let data: string;

  beforeAll(async () => {
    await ensureProgram("restic");
    server = await startServer();
    await server.createBucket(BUCKET);
    data = await mkdtemp(join(tmpdir(), "holdfast-prune-data-"));
  }, 900_000);
  afterAll(async () => {
    await server.stop();
    await rm(data, { recursive: true, force: true });
  });

  async function makePlace() {
    const prefix = randomUUID();
    const credentials = { accessKeyId: server.accessKey, secretAccessKey: new Secret(server.secretKey) };
    const store = openStore({ kind: "s3", bucket: BUCKET, prefix, endpoint: server.endpoint }, { credentials, ca: server.ca });
    const env = {
      RESTIC_PASSWORD: passphrase.reveal(),
      RESTIC_REPOSITORY: `s3:${server.endpoint}/${BUCKET}/${prefix}`,
      AWS_ACCESS_KEY_ID: server.accessKey,
      AWS_SECRET_ACCESS_KEY: server.secretKey,
    };
    const restic = async (...args: string[]) =>
      (await execa("restic", ["--no-cache", ...args], { env, stdin: "ignore", cwd: data })).stdout;
    const repository = await openOrCreateRepository(store, { passphrase, warn: failOnWarning });
    return { repository, restic, store };
  }

  test("forget, prune and verify beside a restic repository: neither disturbs the other", async () => {
    const { repository, restic } = await makePlace();
    await restic("init");
    await writeFile(join(data, "file"), randomBytes(200_000));
    await restic("backup", ".");
    const content = randomBytes(40_000);
    const oldest = await takeSnapshot(
      repository,
      { a: content, b: randomBytes(40_000) },
      { now: at(0), objectBytes: 10_000, frameBytes: 7000 },
    );
    await takeSnapshot(repository, { a: randomBytes(50_000) }, { now: at(1) });
    const manifest = await (async () => {
      await using newest = await startSnapshot(repository, head, { signal: never, now: at(2), base: oldest, warn: failOnWarning });
      newest.reuse("a");
      return await newest.commit(result);
    })();
    const before = await measureRepository(repository);

    const { forgotten, pruned } = await applyRetention(
      repository,
      { keepLast: 1, prune: true },
      { holder: "test", now: at(48), warn: failOnWarning },
    );

    const after = await measureRepository(repository);
    const named = new Set(manifest.streams.flatMap(({ objects }) => objects.map(({ key }) => key)));
    expect(forgotten).toHaveLength(2);
    expect(after).toMatchObject({ objects: named.size, snapshots: 1 });
    expect(pruned?.removed).toEqual({ objects: before.objects - after.objects, bytes: before.bytes - after.bytes });
    expect(await listSnapshotIds(repository)).toEqual([manifest.id]);
    expect(await verifySnapshots(repository)).toMatchObject({ snapshots: 1, problems: [] });
    expect((await readBack(repository, manifest, "a")).equals(content)).toBe(true);
    expect(await restic("check", "--read-data")).toContain("no errors were found");

    await writeFile(join(data, "file"), randomBytes(200_000));
    await restic("backup", ".");
    await restic("forget", "--keep-last", "1", "--prune");

    expect(await restic("check", "--read-data")).toContain("no errors were found");
    expect(await verifySnapshots(repository)).toMatchObject({ snapshots: 1, problems: [] });
    expect((await prune(repository, { holder: "test", now: at(72), warn: failOnWarning })).removed.objects).toBe(0);
  }, 180_000);

  test("of several who prune at once one holds, and the others are told who", async () => {
    const { repository } = await makePlace();
    await takeSnapshot(repository, { a: randomBytes(1000) }, { now: at(0) });

    const ended = await Promise.allSettled(
      ["a", "b", "c"].map((holder) => prune(repository, { holder, now: at(48), warn: failOnWarning })),
    );

    const refused = ended.flatMap((one) => (one.status === "rejected" ? [one.reason] : []));
    expect(ended.some(({ status }) => status === "fulfilled")).toBe(true);
    for (const reason of refused) expect(reason).toMatchObject({ exitCode: 11, facts: { holder: expect.stringMatching(/^[abc]$/) } });
    expect(await verifySnapshots(repository)).toMatchObject({ snapshots: 1, problems: [] });
  });

  test("more objects than one request may name are pruned in batches", async () => {
    const { repository, store } = await makePlace();
    const id = "20200101T000000Z-0a1b2c3d";
    const keys = Array.from({ length: 1100 }, (_, n) => `holdfast/data/${id}/a/${String(n + 1).padStart(6, "0")}.zst.age`);
    await Promise.all(keys.map((key) => store.put(key, Buffer.from("x"))));

    const report = await prune(repository, { holder: "test", warn: failOnWarning });

    expect(report).toMatchObject({ removed: { objects: 1100, bytes: 1100 }, snapshots: [{ id, objects: 1100 }] });
    expect(await measureRepository(repository)).toMatchObject({ objects: 0 });
  }, 120_000);
});
