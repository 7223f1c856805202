import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DirectoryStore } from "../../../runner/storage/directory-store.ts";
import { readObject } from "../../../runner/storage/object-store.ts";
import { chunksOf, failingAfter, keysOf } from "../../contract/object-store.ts";

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "holdfast-directory-"));
});

afterEach(() => rm(directory, { recursive: true, force: true }));

test("a missing directory reads as empty and is made by the first put, not before", async () => {
  const path = join(directory, "not", "yet");
  const store = new DirectoryStore(path);

  expect(await keysOf(store)).toEqual([]);
  await expect(readObject(store, "key")).rejects.toMatchObject({ name: "NotFoundError" });
  await store.delete(["key"]);
  expect(await readdir(directory)).toEqual([]);

  await store.put("key", Buffer.from("x"));
  expect(await readFile(join(path, "key"), "utf8")).toBe("x");
});

test("files and folders are for the owner alone", async () => {
  const path = join(directory, "store");
  await new DirectoryStore(path).put("data/1", Buffer.from("x"));

  const modes = await Promise.all(["", "data", "data/1"].map(async (name) => ((await stat(join(path, name))).mode & 0o777).toString(8)));

  expect(modes).toEqual(["700", "700", "600"]);
});

test("a put leaves nothing but its object, also when it fails", async () => {
  const store = new DirectoryStore(directory);
  await store.put("one", chunksOf([Buffer.from("x")]));
  await expect(store.put("two", failingAfter(10, new Error("ended")))).rejects.toThrow("ended");
  await expect(store.put("one", Buffer.from("y"), { ifAbsent: true })).rejects.toMatchObject({ name: "AlreadyExistsError" });

  expect((await readdir(directory)).sort()).toEqual([".incoming", "one"]);
  expect(await readdir(join(directory, ".incoming"))).toEqual([]);
});

test("folders that a delete empties go too", async () => {
  const store = new DirectoryStore(directory);
  await store.put("data/a/1", Buffer.from("x"));
  await store.put("data/b/1", Buffer.from("x"));

  await store.delete(["data/a/1"]);

  expect(await readdir(join(directory, "data"))).toEqual(["b"]);
});

test("a killed put is never listed, and swept after a day", async () => {
  const incoming = join(directory, ".incoming");
  await mkdir(incoming);
  for (const name of ["old", "young"]) await writeFile(join(incoming, name), "half");
  const twoDaysAgo = Date.now() / 1000 - 2 * 24 * 3600;
  await utimes(join(incoming, "old"), twoDaysAgo, twoDaysAgo);
  const store = new DirectoryStore(directory);

  await store.put("key", Buffer.from("x"));

  expect(await keysOf(store)).toEqual(["key"]);
  expect(await readdir(incoming)).toEqual(["young"]);
});

test("killed in the middle of a put, a process leaves no object", async () => {
  const program = `
    import { DirectoryStore } from ${JSON.stringify(join(import.meta.dirname, "../../../runner/storage/directory-store.ts"))};
    async function* source() {
      yield new Uint8Array(1000);
      process.stdout.write("half");
      await new Promise((resolve) => setInterval(resolve, 1e9));
    }
    await new DirectoryStore(process.argv[1]).put("data/1", source(), { ifAbsent: true });
  `;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program, directory], { stdio: ["ignore", "pipe", "inherit"] });
  const exited = once(child, "exit");
  await once(child.stdout, "data");

  child.kill("SIGKILL");
  await exited;

  const store = new DirectoryStore(directory);
  expect(await readdir(join(directory, ".incoming"))).toHaveLength(1);
  expect(await keysOf(store)).toEqual([]);
  await store.put("data/1", Buffer.from("whole"), { ifAbsent: true });
  expect((await readObject(store, "data/1")).toString()).toBe("whole");
});

test("links are refused, never followed", async () => {
  const outside = join(directory, "outside");
  const path = join(directory, "store");
  await mkdir(outside);
  await mkdir(path);
  await writeFile(join(outside, "secret"), "secret");
  await symlink(outside, join(path, "data"));
  await symlink(join(outside, "secret"), join(path, "link"));
  const store = new DirectoryStore(path);
  const refusal = expect.objectContaining({ name: "StoreRefusedError" });

  await expect(readObject(store, "data/secret")).rejects.toEqual(refusal);
  await expect(store.stat("data/secret")).rejects.toEqual(refusal);
  await expect(store.put("data/new", Buffer.from("x"))).rejects.toEqual(refusal);
  await expect(store.put("data/deep/new", Buffer.from("x"))).rejects.toEqual(refusal);
  await expect(store.delete(["data/secret"])).rejects.toEqual(refusal);
  await expect(keysOf(store)).rejects.toEqual(refusal);
  await expect(keysOf(store, "data/")).rejects.toEqual(refusal);
  await expect(readObject(store, "link")).rejects.toEqual(refusal);
  await expect(store.stat("link")).rejects.toEqual(refusal);
  expect(await readdir(outside)).toEqual(["secret"]);
});

test("the directory itself may be a link", async () => {
  await mkdir(join(directory, "real"));
  await symlink(join(directory, "real"), join(directory, "link"));

  await new DirectoryStore(join(directory, "link")).put("data/1", Buffer.from("x"));

  expect(await keysOf(new DirectoryStore(join(directory, "real")))).toEqual(["data/1"]);
});

test("what is no key of ours is neither listed nor in the way", async () => {
  for (const name of ["a b", ".hidden", "ü"]) await writeFile(join(directory, name), "theirs");
  await mkdir(join(directory, "folder"));
  const store = new DirectoryStore(directory);
  await store.put("key", Buffer.from("x"));

  expect(await keysOf(store)).toEqual(["key"]);
  await expect(store.stat("folder")).rejects.toMatchObject({ name: "NotFoundError" });
  await expect(readObject(store, "folder")).rejects.toMatchObject({ name: "NotFoundError" });
  await store.delete(["folder"]);
  expect(await readdir(directory)).toContain("folder");
});

test("a file where a folder is needed is a refusal, not a missing store", async () => {
  const path = join(directory, "file");
  await writeFile(path, "x");
  const refusal = expect.objectContaining({ name: "StoreRefusedError", exitCode: 31 });

  await expect(new DirectoryStore(path).put("key", Buffer.from("x"))).rejects.toEqual(refusal);
  await expect(keysOf(new DirectoryStore(path))).rejects.toEqual(refusal);
  await expect(new DirectoryStore(directory).put("file/key", Buffer.from("x"))).rejects.toEqual(refusal);
});

test("a folder where an object is to lie is a refusal", async () => {
  const store = new DirectoryStore(directory);
  await store.put("q/z", Buffer.from("x"));

  await expect(store.put("q", Buffer.from("x"))).rejects.toMatchObject({ name: "StoreRefusedError" });
  await expect(store.put("q", Buffer.from("x"), { ifAbsent: true })).rejects.toBeInstanceOf(Error);
  expect(await keysOf(store)).toEqual(["q/z"]);
});
