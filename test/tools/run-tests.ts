// Runs every test: the fast ones side by side, those with real servers one after another, those with search servers last. Ends with one line of
// jest's own figures; a skipped test, or none at all, is a failure. With --seeds: both guides of Stash and our tutorial on a real node, nothing else.
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ensureImage } from "../servers/docker/ensure-image.ts";
import { ensureEverything } from "../servers/ensure-everything.ts";
import { POOL_FOLDER, POOL_OWNER, stopPool } from "../servers/search-server-pool.ts";

interface JestFigures {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly numFailedTestSuites: number;
}

const root = join(import.meta.dirname, "../..");
const scratch = mkdtempSync(join(tmpdir(), "holdfast-tests-"));
const pool = join(scratch, "search-servers");
mkdirSync(pool);
// Java servers beside tests that measure time would make those fail: they come last.
const SEARCH_TESTS = "/test/(integration|e2e)/.*(elastic|open)search";
const LONGEST_END_MS = 60_000;
const SEEDS = "/test/e2e(-all|/kubernetes)/(redis-seed|tutorial|elasticsearch-seed)\\.test\\.ts$";
const stopping = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => stopping.abort(new Error(`Ended by ${signal}`)));
let passed = 0;
let failed = 0;
let skipped = 0;
let isGood = true;
try {
  const isOfSeeds = process.argv.includes("--seeds");
  await (isOfSeeds ? ensureImage() : ensureEverything());
  sayTime("all servers are here");
  for (const args of isOfSeeds ? [["--selectProjects", "e2e", "e2e-all", "--runInBand", "--testPathPatterns", SEEDS]] : everything()) {
    const figures = await runJest(args);
    sayTime(`jest ${args.join(" ")}`);
    passed += figures.numPassedTests;
    failed += figures.numFailedTests;
    skipped += figures.numPendingTests + figures.numTodoTests;
    isGood &&= figures.numFailedTestSuites === 0;
  }
} finally {
  await stopPool(pool);
  rmSync(scratch, { recursive: true, force: true });
}
process.stdout.write(`tests: ${passed} passed, ${failed} failed, ${skipped} skipped\n`);
process.exitCode = isGood && failed === 0 && skipped === 0 && passed > 0 ? 0 : 1;

/** To standard error, as all progress. */
function sayTime(what: string): void {
  process.stderr.write(`after ${Math.round(performance.now() / 1000)} s: ${what}\n`);
}

/** What takes long and proves little that is new comes with all servers only. */
function everything(): readonly (readonly string[])[] {
  return [
    ["--selectProjects", "unit", "contract", "--maxWorkers=100%"],
    ["--selectProjects", "integration", "e2e", "--runInBand", "--testPathIgnorePatterns", SEARCH_TESTS],
    ["--selectProjects", "integration", "e2e", "--runInBand", "--testPathPatterns", SEARCH_TESTS],
    ...(process.env.HOLDFAST_ALL_SERVERS === "1" ? [["--selectProjects", "e2e-all", "--runInBand"]] : []),
  ];
}

async function runJest(args: readonly string[]): Promise<JestFigures> {
  const file = join(scratch, "figures.json");
  const jest = join(root, "node_modules/jest/bin/jest.js");
  const flags = ["--experimental-vm-modules", "--disable-warning=ExperimentalWarning", jest, "--json", "--outputFile", file, ...args];
  const env = { ...process.env, [POOL_FOLDER]: pool, [POOL_OWNER]: String(process.pid) };
  stopping.signal.throwIfAborted();
  const run = spawn(process.execPath, flags, { cwd: root, env, stdio: ["ignore", "ignore", "inherit"] });
  const end = () => run.kill("SIGTERM");
  stopping.signal.addEventListener("abort", end);
  // Its figures are its last word: an end that hangs says nothing more.
  const guard = setInterval(() => {
    const written = statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? Number.POSITIVE_INFINITY;
    if (Date.now() - written > LONGEST_END_MS) run.kill("SIGKILL");
  }, 5_000);
  const code = await new Promise<number | null>((resolve, reject) => {
    run.once("error", reject);
    run.once("exit", resolve);
  });
  clearInterval(guard);
  stopping.signal.removeEventListener("abort", end);
  stopping.signal.throwIfAborted();
  const figures = JSON.parse(readFileSync(file, "utf8")) as JestFigures;
  rmSync(file);
  // By a signal it ends only after its figures: when a test left something open, which it then said, or by the guard.
  if (code !== 0 && code !== null) isGood = false;
  return figures;
}
