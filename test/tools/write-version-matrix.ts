// Backs up each of the five servers, restores into each of them, and writes what came of it into docs/elasticsearch-versions.md. Look at the difference before it is committed.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MATRIX_RESULT, type VersionMatrix, writeVersionMatrix } from "./version-matrix.ts";

const root = join(import.meta.dirname, "../..");
const folder = mkdtempSync(join(tmpdir(), "holdfast-matrix-"));
try {
  const file = join(folder, "matrix.json");
  const jest = ["--experimental-vm-modules", "--disable-warning=ExperimentalWarning", join(root, "node_modules/jest/bin/jest.js")];
  const test = "test/e2e/elasticsearch/matrix.test.ts";
  const { status } = spawnSync(process.execPath, [...jest, "--runInBand", test], {
    cwd: root,
    env: { ...process.env, [MATRIX_RESULT]: file },
    stdio: "inherit",
  });
  if (status !== 0) throw new Error("The test failed: nothing is written");
  writeVersionMatrix(JSON.parse(readFileSync(file, "utf8")) as VersionMatrix);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
