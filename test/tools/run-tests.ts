// Runs every test: the fast ones side by side, those with real servers one after another. Ends with one line of jest's own figures; a skipped test,
// or none at all, is a failure.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ensureEverything } from "../servers/ensure-everything.ts";

interface JestFigures {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly numFailedTestSuites: number;
}

const root = join(import.meta.dirname, "../..");
const scratch = mkdtempSync(join(tmpdir(), "holdfast-tests-"));
let passed = 0;
let failed = 0;
let skipped = 0;
let isGood = true;
try {
  await ensureEverything();
  for (const args of [
    ["--selectProjects", "unit", "contract", "--maxWorkers=100%"],
    ["--selectProjects", "integration", "e2e", "--runInBand"],
  ]) {
    const figures = runJest(args);
    passed += figures.numPassedTests;
    failed += figures.numFailedTests;
    skipped += figures.numPendingTests + figures.numTodoTests;
    isGood &&= figures.numFailedTestSuites === 0;
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
process.stdout.write(`tests: ${passed} passed, ${failed} failed, ${skipped} skipped\n`);
process.exitCode = isGood && failed === 0 && skipped === 0 && passed > 0 ? 0 : 1;

function runJest(args: readonly string[]): JestFigures {
  const file = join(scratch, "figures.json");
  const jest = join(root, "node_modules/jest/bin/jest.js");
  const flags = ["--experimental-vm-modules", "--disable-warning=ExperimentalWarning", jest, "--json", "--outputFile", file, ...args];
  const run = spawnSync(process.execPath, flags, { cwd: root, stdio: ["ignore", "ignore", "inherit"] });
  const figures = JSON.parse(readFileSync(file, "utf8")) as JestFigures;
  rmSync(file);
  if (run.status !== 0) isGood = false;
  return figures;
}
