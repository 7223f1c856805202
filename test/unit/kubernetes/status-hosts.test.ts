import { type HostStats, withHostStats, withRestoreHostStats } from "../../../runner/kubernetes/status-hosts.ts";
import { type SnapshotStream, snapshotStats } from "../../../runner/kubernetes/status-snapshot.ts";

const ref = { apiVersion: "appcatalog.appscode.com/v1alpha1", kind: "AppBinding", name: "sample", namespace: "demo" };
const facts = { id: "20260102T030405Z-abc", rawBytes: 12_944_671, storedBytes: 3_365_929, durationMs: 2_900 };
const stream = (name: string, objects: number, reusedObjects = 0): SnapshotStream => ({ name, objects, reusedObjects });
const snapshot = snapshotStats({ ...facts, streams: [stream("dump.rdb", 1)] });
const succeeded: HostStats = { hostname: "host-0", phase: "Succeeded", duration: "4.512345678s", snapshots: [snapshot] };

/** What stands in the target's stats after these were written, one after the other. */
function written(...stats: HostStats[]): unknown {
  const [target] = stats.reduce((status: { targets?: unknown }, each) => withHostStats(status, ref, each), {
    targets: [{ ref, totalHosts: 1, unknown: true }],
  }).targets as { unknown: boolean; stats: unknown[] }[];
  expect(target?.unknown).toBe(true);
  return target?.stats;
}

test("a host's stats are written as readers expect them", () => {
  expect(written(succeeded)).toEqual([
    {
      hostname: "host-0",
      phase: "Succeeded",
      duration: "4.512345678s",
      snapshots: [
        {
          name: "20260102T030405Z-abc",
          path: "dump.rdb",
          totalSize: "12.345 MiB",
          uploaded: "3.210 MiB",
          processingTime: "0:02",
          fileStats: { totalFiles: 1, newFiles: 1, modifiedFiles: 0, unmodifiedFiles: 0 },
        },
      ],
    },
  ]);
});

test("another attempt of the same host takes the place of the former, with nothing left of it", () => {
  const failed: HostStats = { hostname: "host-0", phase: "Failed", error: "Refused" };
  const other: HostStats = { hostname: "host-1", phase: "Failed", error: "Away" };

  expect(written(failed, other, succeeded)).toEqual([expect.not.objectContaining({ error: expect.anything() }), other]);
  expect(written(succeeded, failed)).toEqual([failed]);
});

test("a host without a name is one host, too", () => {
  expect(written({ phase: "Failed", error: "Once" }, { phase: "Failed", error: "Twice" })).toEqual([{ phase: "Failed", error: "Twice" }]);
});

test.each([
  ["succeeded with an error", { phase: "Succeeded", error: "Cut off" }, "Cut off"],
  ["failed without an error", { phase: "Failed" }, "It failed without a word"],
  ["failed with an empty error", { phase: "Failed", error: "" }, "It failed without a word"],
  ["has a phase that nobody knows", { phase: "Sucess" as "Succeeded", error: "" }, "It failed without a word"],
] as [string, HostStats, string][])("a host that %s has failed, by its phase and by its error", (_, stats, error) => {
  expect(written(stats)).toEqual([{ phase: "Failed", error }]);
});

test("a success with an empty error is a success without one", () => {
  expect(written({ phase: "Succeeded", error: "" })).toEqual([{ phase: "Succeeded" }]);
});

test("the same stats again give back the very same status", () => {
  const status = withHostStats({ targets: [{ ref }] }, ref, succeeded);

  expect(withHostStats(status, ref, succeeded)).toBe(status);
});

test("a restore's stats stand in the status itself, and name no snapshots", () => {
  const status = { totalHosts: 1, stats: [{ hostname: "host-0", phase: "Running" }] };

  expect(withRestoreHostStats(status, { ...succeeded, duration: "1s" })).toEqual({
    totalHosts: 1,
    stats: [{ hostname: "host-0", phase: "Succeeded", duration: "1s" }],
  });
});

test("streams are counted as files: new, reused in part, reused as a whole", () => {
  const streams = [stream("a", 3), stream("empty", 0), stream("b", 3, 1), stream("c", 3, 3), stream("d", 1, 1)];

  expect(snapshotStats({ ...facts, streams })).toMatchObject({
    path: "a",
    fileStats: { totalFiles: 5, newFiles: 2, modifiedFiles: 1, unmodifiedFiles: 2 },
  });
});

test("a snapshot without streams has all its numbers, and they are 0", () => {
  const stats = snapshotStats({ ...facts, streams: [] });

  expect(stats.path).toBe("");
  expect(stats.fileStats).toEqual({ totalFiles: 0, newFiles: 0, modifiedFiles: 0, unmodifiedFiles: 0 });
});
