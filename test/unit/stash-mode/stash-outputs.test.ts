import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SnapshotStats } from "../../../runner/kubernetes/status-snapshot.ts";
import type { Report } from "../../../runner/report.ts";
import { stashOutputs } from "../../../runner/stash-mode/stash-outputs.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "holdfast-output-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const snapshot: SnapshotStats = {
  name: "20300101T000000Z-0123abcd",
  path: "dump.rdb",
  totalSize: "1.500 KiB",
  uploaded: "1024 B",
  processingTime: "0:01",
  fileStats: { totalFiles: 1, newFiles: 1, modifiedFiles: 0, unmodifiedFiles: 0 },
};

function report(changes: Partial<Report> = {}): Report {
  return {
    ...{ holdfast: "0.0.0", function: "backup-redis", outcome: "Succeeded", code: 0, reason: "Succeeded", message: "Done" },
    ...{ started: "", finished: "", durationSeconds: 61.5, counts: {}, facts: {}, notCarried: [], warnings: [] },
    ...changes,
  } as Report;
}

const failed = (code: number) => report({ outcome: "Failed", code, reason: "X", message: "It broke", hint: "Mend it" });

function arrange(outputDir: string | undefined = join(folder, "a/output")) {
  const outputs = stashOutputs("backup-redis");
  const values = { appbinding: "db", appbindingNamespace: undefined, namespace: "demo", hostname: "host-0", outputDir };
  const read = () => JSON.parse(readFileSync(join(outputDir ?? "", "output.json"), "utf8"));
  return { outputs, values: values as never, read, conclude: (of: Report) => outputs.conclude(values as never, of) };
}

const ref = { apiVersion: "appcatalog.appscode.com/v1alpha1", kind: "AppBinding", name: "db", namespace: "demo" };

test("before the end it says that the run failed and has not ended", () => {
  const { outputs, values, read } = arrange();

  outputs.begin(values);

  const error = "backup-redis has not ended: if its container is gone, it was killed";
  expect(read()).toEqual({ targetStatus: { ref, stats: [{ hostname: "host-0", phase: "Failed", error }] } });
});

test("a success has a snapshot and no error", () => {
  const { outputs, conclude, read } = arrange();

  outputs.committed(snapshot);
  const code = conclude(report());

  expect(code).toBe(0);
  expect(read()).toEqual({
    targetStatus: { ref, stats: [{ hostname: "host-0", phase: "Succeeded", snapshots: [snapshot], duration: "1m1.5s" }] },
  });
});

test("a failure has an error, and no snapshot although one was committed before it", () => {
  const { outputs, conclude, read } = arrange();

  outputs.committed(snapshot);
  conclude(failed(3));

  expect(read().targetStatus.stats).toEqual([{ hostname: "host-0", phase: "Failed", duration: "1m1.5s", error: "It broke. Mend it" }]);
});

test("a failure that says nothing still has an error: readers take its absence for success", () => {
  const { conclude, read } = arrange();

  conclude(report({ outcome: "Failed", code: 1, reason: "InternalError", message: "" }));

  expect(read().targetStatus.stats[0].error).toBe("InternalError");
});

test.each([0, 1, 2, 3, 10, 11, 12, 20, 21, 30, 31, 40, 41])(
  "code %i becomes exit code 0 once the file says it, and stays without one",
  (code) => {
    const of = code === 0 ? report() : failed(code);

    expect(arrange().conclude(of)).toBe(0);
    expect(arrange("").outputs.refuse(["backup-redis"], of)).toBe(code);
    expect(stashOutputs("x").conclude({ outputDir: undefined } as never, of)).toBe(code);
  },
);

test.each([143, 130])("exit code %i of a signal stays, after the file was written", (code) => {
  const { conclude, read } = arrange();

  expect(conclude(failed(code))).toBe(code);
  expect(read().targetStatus.stats[0].phase).toBe("Failed");
});

test("an exit code that is about another output does not make a backup fail", () => {
  const { conclude, read } = arrange();

  expect(conclude(report({ code: 2 }))).toBe(0);
  expect(read().targetStatus.stats[0].phase).toBe("Succeeded");
});

test.each([
  [(directory: string) => [`--output-dir=${directory}`, "--appbinding=db", "--namespace=demo"]],
  [(directory: string) => ["--output-dir", directory, "--appbinding", "db", "--appbinding-namespace", "demo", "--namespace", "jobs"]],
  [(directory: string) => ["--output-dir=/elsewhere", "--appbinding=db", "--namespace=demo", "--hostname=", `--output-dir=${directory}`]],
])("a command line that cannot be read leaves its failure too", (argv) => {
  const { outputs, read } = arrange();

  const code = outputs.refuse(["backup-redis", ...argv(join(folder, "a/output"))], failed(2));

  expect(code).toBe(0);
  expect(read().targetStatus).toMatchObject({ ref, stats: [{ hostname: "host-0", phase: "Failed", error: "It broke. Mend it" }] });
});

test("a file that cannot be replaced is an error, and nothing half-written stays", () => {
  const { outputs, values, conclude } = arrange(folder);
  mkdirSync(join(folder, "output.json/full"), { recursive: true });

  expect(() => outputs.begin(values)).toThrow(/Cannot write output.json into/);
  expect(() => conclude(report())).toThrow(expect.objectContaining({ exitCode: 2 }));
  expect(readdirSync(folder)).toEqual(["output.json"]);
});

test("the file is replaced, not written into: a link leads nobody elsewhere, and only the owner may write (S9)", () => {
  const { conclude } = arrange(folder);
  writeFileSync(join(folder, "victim"), "mine", { mode: 0o777 });
  symlinkSync("victim", join(folder, "output.json"));

  conclude(report());

  expect(readFileSync(join(folder, "victim"), "utf8")).toBe("mine");
  expect((statSync(join(folder, "output.json")).mode & 0o777).toString(8)).toBe("644");
});
