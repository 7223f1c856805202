import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { openOrCreateRepository } from "../../../runner/snapshot/repository.ts";
import { DirectoryStore } from "../../../runner/storage/directory-store.ts";
import { ensureProgram } from "../../servers/install.ts";
import { runOnTerminal } from "../../tools/pty.ts";
import { passphrase, takeSnapshot } from "../../unit/snapshot/snapshot-parts.ts";

const FORMAT = new URL("../../../runner/snapshot/FORMAT.md", import.meta.url);
let folder: string;

beforeAll(async () => {
  for (const program of ["age", "zstd", "openssl", "python3"]) await ensureProgram(program);
}, 300_000);
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-recipe-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** The code blocks of FORMAT.md that are for bash, as files. */
async function writeRecipes(): Promise<string[]> {
  const blocks = [...(await readFile(FORMAT, "utf8")).matchAll(/^```bash\n(.*?)^```$/gms)].map((match) => match[1] as string);
  await Promise.all(blocks.map((block, index) => writeFile(join(folder, `recipe-${index}.sh`), block)));
  return blocks.map((_, index) => `recipe-${index}.sh`);
}

async function prepare() {
  const warnings: string[] = [];
  const repository = await openOrCreateRepository(new DirectoryStore(folder), { passphrase, warn: (reason) => warnings.push(reason) });
  const content = randomBytes(3_000_000);
  const manifest = await takeSnapshot(
    repository,
    { "indices/0001/shard-0.ndjson": content },
    { objectBytes: 1_000_000, frameBytes: 300_000 },
  );
  const [restore, authenticate] = (await writeRecipes()) as [string, string];
  const env = { SNAPSHOT: manifest.id, STREAM: "indices/0001/shard-0.ndjson" };
  return { content, manifest, restore, authenticate, env, warnings };
}

test("the recipe in FORMAT.md restores a stream with nothing but age and zstd", async () => {
  const { content, manifest, restore, authenticate, env, warnings } = await prepare();

  await runOnTerminal(["bash", restore], { passphrase: passphrase.reveal(), cwd: folder, env });
  const { stdout } = await execa("bash", [authenticate], { cwd: folder, env });

  expect(manifest.streams[0]?.objects.length).toBeGreaterThan(1);
  expect((await readFile(join(folder, "restored"))).equals(content)).toBe(true);
  expect(stdout).toContain("Signature Verified Successfully");
  expect(warnings).toEqual([]);
});

test("the recipe fails on a damaged object and on an edited manifest", async () => {
  const { manifest, restore, authenticate, env } = await prepare();
  const object = join(folder, manifest.streams[0]?.objects[1]?.key as string);
  const bytes = await readFile(object);
  await writeFile(object, bytes.fill((bytes[5000] as number) ^ 1, 5000, 5001));
  const manifestFile = join(folder, `holdfast/snapshots/${manifest.id}.manifest`);
  await writeFile(manifestFile, (await readFile(manifestFile, "utf8")).replace("host-0", "host-1"));

  const restoring = runOnTerminal(["bash", restore], { passphrase: passphrase.reveal(), cwd: folder, env });

  await expect(restoring).rejects.toMatchObject({ exitCode: 1 });
  await expect(execa("bash", [authenticate], { cwd: folder, env })).rejects.toMatchObject({ exitCode: 1 });
});
