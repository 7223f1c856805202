import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readOutputFile } from "../../../runner/stash-mode/read-output-file.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "holdfast-output-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const fileStats = { totalFiles: 1, newFiles: 1, modifiedFiles: 0, unmodifiedFiles: 0 };
const snapshot = {
  name: "20300101T000000Z-0123abcd",
  path: "dump.rdb",
  totalSize: "1.500 KiB",
  uploaded: "1024 B",
  processingTime: "0:01",
  fileStats,
};
const succeeded = { hostname: "a", phase: "Succeeded", duration: "1m1.5s", snapshots: [snapshot] };

function read(content: unknown, isBackup = true) {
  writeFileSync(join(folder, "output.json"), typeof content === "string" ? content : JSON.stringify(content));
  return readOutputFile(folder, { isBackup });
}

const of = (...stats: readonly object[]) => ({ targetStatus: { ref: { name: "db" }, stats } });

test("what the step before says is taken as it is", async () => {
  const failed = { hostname: "a", phase: "Failed", error: "No database" };
  const restored = { hostname: "a", phase: "Succeeded", duration: "350ms" };

  expect(await read(of(succeeded))).toEqual(succeeded);
  expect(await read(of(failed))).toEqual(failed);
  expect(await read(of(restored), false)).toEqual(restored);
});

test("a file that is not there is a failure of the host", async () => {
  expect(await readOutputFile(folder, { isBackup: true })).toMatchObject({
    hostname: "host-0",
    phase: "Failed",
    error: expect.stringMatching(/^The step before left no outcome that can be read: .*ENOENT/),
  });
});

test.each([
  ["nothing", ""],
  ["half of it", JSON.stringify(of(succeeded)).slice(0, 150)],
  ["no target", {}],
  ["no host", of()],
  ["two hosts, which would keep the session running for ever", of(succeeded, { ...succeeded, hostname: "b" })],
  ["an unknown phase", of({ ...succeeded, phase: "Running" })],
  ["a snapshot without its counts", of({ ...succeeded, snapshots: [{ ...snapshot, fileStats: {} }] })],
  ["a size that is none", of({ ...succeeded, snapshots: [{ ...snapshot, totalSize: "much" }] })],
  ["a duration that is none", of({ ...succeeded, duration: "long" })],
])("a file with %s is a failure of the host", async (_, content) => {
  expect(await read(content)).toMatchObject({
    hostname: "host-0",
    phase: "Failed",
    error: expect.stringContaining("no outcome that can be read"),
  });
});

test.each([
  ["a success with an error", { ...succeeded, error: "2 keys were left out" }, "2 keys were left out"],
  ["a success without a snapshot", { ...succeeded, snapshots: [] }, "The step before names no snapshot"],
  ["a success without any word of snapshots", { phase: "Succeeded" }, "The step before names no snapshot"],
  ["a failure without an error", { phase: "Failed" }, "The step before failed without a word"],
])("%s is a failed backup", async (_, stats, error) => {
  expect(await read(of(stats))).toMatchObject({ phase: "Failed", error });
});
