import { spawnSync } from "node:child_process";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { withFileLock } from "../../servers/kubernetes/with-file-lock.ts";

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "file-lock-"));
});

afterEach(() => rm(directory, { recursive: true }));

test("two works under one path do not run at the same time, and leave nothing behind", async () => {
  const path = join(directory, "lock");
  const log: string[] = [];
  const work = (name: string) => async () => {
    log.push(`${name} begins`);
    await new Promise(setImmediate);
    log.push(`${name} ends`);
  };

  await Promise.all([withFileLock(path, work("a")), withFileLock(path, work("b"))]);

  expect(log).toEqual(
    [
      ["a begins", "a ends", "b begins", "b ends"],
      ["b begins", "b ends", "a begins", "a ends"],
    ].find(([first]) => first === log[0]),
  );
  expect(await readdir(directory)).toEqual([]);
});

test("the lock of a process that died is taken over", async () => {
  const path = join(directory, "lock");
  const { pid } = spawnSync(process.execPath, ["--version"]);
  await writeFile(path, String(pid));

  await expect(withFileLock(path, async () => "done")).resolves.toBe("done");
});

test("work that fails gives the lock back", async () => {
  const path = join(directory, "lock");

  await expect(withFileLock(path, () => Promise.reject(new Error("broken")))).rejects.toThrow("broken");

  expect(await readdir(directory)).toEqual([]);
});
