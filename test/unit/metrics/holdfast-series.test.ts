import { backupSamples } from "../../../runner/metrics/backup-samples.ts";
import { HOLDFAST_SERIES } from "../../../runner/metrics/holdfast-series.ts";
import { ALL_SERIES, type Sample } from "../../../runner/metrics/metrics.ts";
import { jobName, repositoryGroup, targetGroup } from "../../../runner/metrics/push-group.ts";
import { repositorySamples } from "../../../runner/metrics/repository-samples.ts";
import { restoreSamples } from "../../../runner/metrics/restore-samples.ts";
import { backupFacts, failedBackupFacts, repositoryFacts, restoreFacts } from "./metric-facts.ts";

function ours(samples: readonly Sample[]): Record<string, number> {
  return Object.fromEntries(
    samples
      .filter(({ name }) => name.startsWith("holdfast_"))
      .map(({ name, labels, value }) => [labels.item === undefined ? name.slice(9) : `${name.slice(9)} ${labels.item}`, value]),
  );
}

test("a good backup pushes when, how long, how much and what", () => {
  const samples = ours(backupSamples(backupFacts()));

  expect(samples).toEqual({
    backup_last_attempt_timestamp_seconds: 1_800_000_000.25,
    backup_last_attempt_success: 1,
    backup_last_attempt_info: 1,
    backup_exit_code: 0,
    backup_expected_interval_seconds: 3600,
    backup_last_success_timestamp_seconds: 1_800_000_000.25,
    backup_duration_seconds: 4.512,
    backup_raw_bytes: 12_945_678_901,
    backup_stored_bytes: 3_366_001_234,
    "backup_items keys": 2_155_039,
    "backup_items databases": 2,
    build_info: 1,
  });
});

test("a failed backup pushes that it failed, and nothing that would take the last success away", () => {
  const samples = ours(backupSamples(failedBackupFacts()));

  expect(samples).toEqual({
    backup_last_attempt_timestamp_seconds: 1_800_003_600,
    backup_last_attempt_success: 0,
    backup_last_attempt_info: 1,
    backup_exit_code: 30,
    backup_expected_interval_seconds: 3600,
    build_info: 1,
  });
});

test("a failure never shows exit code 0, also when its process had to exit with 0", () => {
  const outcome = { kind: "Failed", exitCode: 0, reason: "Incomplete" } as const;

  expect(ours(backupSamples(backupFacts({ outcome }))).backup_exit_code).toBe(1);
  expect(ours(restoreSamples(restoreFacts({ outcome }))).restore_exit_code).toBe(1);
});

test("the labels say whose backup of what it is, where it lies and how it ended", () => {
  const samples = backupSamples(failedBackupFacts());

  const labels = (name: string) => samples.find((sample) => sample.name === name)?.labels;
  const run = {
    namespace: "demo",
    invoker_kind: "BackupConfiguration",
    invoker_name: "sample-redis-backup",
    target: "sample-redis",
    repository: "s3-repo",
    engine: "redis",
    host: "host-0",
  };
  expect(labels("holdfast_backup_exit_code")).toEqual(run);
  expect(labels("holdfast_backup_last_attempt_info")).toEqual({ ...run, reason: "StoreUnavailable" });
  expect(labels("holdfast_build_info")).toEqual({ version: "1.2.3" });
});

test("a restore pushes the same of itself", () => {
  const failed = { kind: "Failed", exitCode: 21, reason: "DatabaseRefused" } as const;

  expect(ours(restoreSamples(restoreFacts()))).toEqual({
    restore_last_attempt_timestamp_seconds: 1_800_000_000.25,
    restore_last_attempt_success: 1,
    restore_last_attempt_info: 1,
    restore_exit_code: 0,
    restore_last_success_timestamp_seconds: 1_800_000_000.25,
    restore_duration_seconds: 1.5,
    restore_raw_bytes: 12_945,
    "restore_items restored": 7,
    "restore_items skipped": 1,
    build_info: 1,
  });
  expect(Object.keys(ours(restoreSamples(restoreFacts({ outcome: failed }))))).toEqual([
    "restore_last_attempt_timestamp_seconds",
    "restore_last_attempt_success",
    "restore_last_attempt_info",
    "restore_exit_code",
    "build_info",
  ]);
});

test("a repository pushes what was found out, and leaves out what was not looked at", () => {
  const all = ours(repositorySamples(repositoryFacts()));
  const little = ours(
    repositorySamples(
      repositoryFacts({
        verification: { isWhole: false, finished: new Date(0) },
        sizeBytes: undefined,
        snapshots: { count: 0 },
        snapshotsRemoved: undefined,
        prune: undefined,
      }),
    ),
  );

  expect(all).toEqual({
    repository_integrity: 1,
    repository_last_verified_timestamp_seconds: 1_800_000_001,
    repository_size_bytes: 9_999_999_999,
    repository_snapshots: 5,
    repository_oldest_snapshot_timestamp_seconds: 1_799_000_000,
    repository_newest_snapshot_timestamp_seconds: 1_800_000_000,
    prune_removed_snapshots: 2,
    prune_last_success_timestamp_seconds: 1_800_000_002,
    prune_removed_objects: 3,
    prune_removed_bytes: 1024,
  });
  expect(little).toEqual({ repository_integrity: 0, repository_snapshots: 0 });
});

test("every series of our own is pushed by something", () => {
  const pushed = [...backupSamples(backupFacts()), ...restoreSamples(restoreFacts()), ...repositorySamples(repositoryFacts())].map(
    ({ name }) => name,
  );

  expect(Object.values(HOLDFAST_SERIES).filter(({ name }) => !pushed.includes(name))).toEqual([]);
});

test("no name stands twice in the table, and our own keep Prometheus' rules for gauges", () => {
  const names = ALL_SERIES.flatMap(({ name, legacyName }) => (legacyName === undefined ? [name] : [name, legacyName]));

  expect(new Set(names).size).toBe(names.length);
  for (const { name, unit } of Object.values(HOLDFAST_SERIES)) {
    expect(name).not.toMatch(/_(total|count|sum|bucket)$/);
    expect([name, /_timestamp_seconds$/.test(name)]).toEqual([name, unit === "Unix time in seconds"]);
    expect([name, /(?<!_timestamp)_seconds$/.test(name)]).toEqual([name, unit === "seconds"]);
    expect([name, /_bytes$/.test(name)]).toEqual([name, unit === "bytes"]);
    expect([name, /_info$/.test(name)]).toEqual([name, unit === "always 1"]);
  }
});

test("job and groups are the contract's, and no series carries a grouping label itself", () => {
  const place = { namespace: "demo", name: "sample.redis" };

  const samples = [...backupSamples(backupFacts()), ...restoreSamples(restoreFacts()), ...repositorySamples(repositoryFacts())];

  expect(jobName(backupFacts().invoker)).toBe("backupconfiguration-demo-sample-redis-backup");
  expect(jobName(restoreFacts().invoker)).toBe("restoresession-demo-sample-redis-restore");
  expect(targetGroup(place)).toEqual({ holdfast_target: "demo.sample.redis" });
  expect(repositoryGroup(place)).toEqual({ holdfast_repository: "demo.sample.redis" });
  for (const { labels } of samples) expect(Object.keys(labels).filter((label) => /^(job|instance|holdfast_.*)$/.test(label))).toEqual([]);
});
