import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { listSnapshots } from "../../../runner/snapshot/list-snapshots.ts";
import { openOrCreateRepository } from "../../../runner/snapshot/repository.ts";
import { verifySnapshots } from "../../../runner/snapshot/verify.ts";
import { startSnapshot } from "../../../runner/snapshot/write-snapshot.ts";
import { DirectoryStore } from "../../../runner/storage/directory-store.ts";
import { ensureProgram } from "../../servers/install.ts";
import { head, passphrase, readBack, takeSnapshot } from "../../unit/snapshot/snapshot-parts.ts";

let folder: string;
let data: string;

beforeAll(async () => {
  await ensureProgram("restic");
}, 300_000);
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-restic-"));
  data = await mkdtemp(join(tmpdir(), "holdfast-restic-data-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
  await rm(data, { recursive: true, force: true });
});

async function restic(...args: string[]): Promise<string> {
  const env = { RESTIC_PASSWORD: passphrase.reveal(), RESTIC_REPOSITORY: folder };
  const { stdout } = await execa("restic", ["--no-cache", ...args], { env, stdin: "ignore", cwd: data });
  return stdout;
}

/** Digest of each file below the folder, of ours or of all the others. */
async function digests(whose: "ours" | "theirs"): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const isOurs = path.startsWith(join(folder, "holdfast"));
    if (entry.isFile() && isOurs === (whose === "ours"))
      found.set(
        path,
        createHash("sha256")
          .update(await readFile(path))
          .digest("hex"),
      );
  }
  return found;
}

test("a restic repository and ours live under one prefix, and neither disturbs the other", async () => {
  await restic("init");
  await writeFile(join(data, "first"), randomBytes(200_000));
  await restic("backup", ".");
  const theirs = await digests("theirs");
  const warnings: string[] = [];
  const repository = await openOrCreateRepository(new DirectoryStore(folder), { passphrase, warn: (reason) => warnings.push(reason) });
  const content = randomBytes(500_000);

  const manifest = await takeSnapshot(repository, { a: content }, { objectBytes: 100_000, frameBytes: 50_000 });
  {
    await using abandoned = await startSnapshot(repository, head, { signal: new AbortController().signal });
    const stream = abandoned.stream("a", { mediaType: "x" });
    await stream.write(content);
    await stream.finish();
  }

  expect(await digests("theirs")).toEqual(theirs);
  expect(await restic("check", "--read-data")).toContain("no errors were found");

  const ours = await digests("ours");
  await writeFile(join(data, "first"), randomBytes(200_000));
  await restic("backup", ".");
  await restic("forget", "--keep-last", "1", "--prune");

  expect(await digests("ours")).toEqual(ours);
  expect(await restic("check", "--read-data")).toContain("no errors were found");
  expect(await verifySnapshots(repository)).toMatchObject({ snapshots: 1, problems: [] });
  expect((await listSnapshots(repository)).manifests).toEqual([manifest]);
  expect((await readBack(repository, manifest, "a")).equals(content)).toBe(true);
  expect(JSON.parse(await restic("snapshots", "--json"))).toHaveLength(1);
  expect(warnings).toEqual([]);
}, 120_000);

test("a prefix that holds only a restic repository has no repository of ours, and gets one", async () => {
  await restic("init");

  const repository = await openOrCreateRepository(new DirectoryStore(folder), { passphrase, warn: () => undefined });

  expect(repository.isNew).toBe(true);
  expect(await restic("check")).toContain("no errors were found");
}, 120_000);
