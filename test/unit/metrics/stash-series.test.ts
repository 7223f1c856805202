import { backupSamples } from "../../../runner/metrics/backup-samples.ts";
import type { Sample } from "../../../runner/metrics/metrics.ts";
import { repositorySamples } from "../../../runner/metrics/repository-samples.ts";
import { restoreSamples } from "../../../runner/metrics/restore-samples.ts";
import * as session from "../../../runner/metrics/session-samples.ts";
import * as facts from "./metric-facts.ts";
import { type ContractRow, STASH_CONTRACT } from "./stash-contract.ts";

const failed = { kind: "Failed", exitCode: 3, reason: "Incomplete" } as const;

const good: Record<ContractRow["from"], Sample[]> = {
  "backup session": session.backupSessionSamples(facts.sessionFacts()),
  "backup target": session.backupTargetSamples(facts.targetFacts()),
  "host backup": backupSamples(facts.backupFacts()),
  repository: repositorySamples(facts.repositoryFacts()),
  "restore session": session.restoreSessionSamples(facts.restoreSessionFacts()),
  "restore target": session.restoreTargetSamples(facts.targetFacts()),
  "host restore": restoreSamples(facts.restoreFacts()),
};
const bad: Record<ContractRow["from"], Sample[]> = {
  "backup session": session.backupSessionSamples(facts.sessionFacts({ targetPhases: ["Succeeded", "Failed"] })),
  "backup target": session.backupTargetSamples(facts.targetFacts({ phase: "Failed" })),
  "host backup": backupSamples(facts.failedBackupFacts()),
  repository: repositorySamples(facts.repositoryFacts({ verification: { isWhole: false, finished: new Date(1_800_000_001_000) } })),
  "restore session": session.restoreSessionSamples(facts.restoreSessionFacts({ targetPhases: ["Failed"] })),
  "restore target": session.restoreTargetSamples(facts.targetFacts({ phase: "Failed" })),
  "host restore": restoreSamples(facts.restoreFacts({ outcome: failed })),
};

test.each(STASH_CONTRACT)(
  "$name is pushed under both names, with the contract's labels and no others",
  ({ name, legacyName, labels, from }) => {
    const [sample, ...more] = good[from].filter((each) => each.name === name);
    const [legacy, ...moreLegacy] = good[from].filter((each) => each.name === legacyName);

    expect([more, moreLegacy]).toEqual([[], []]);
    expect(Object.keys(sample?.labels ?? {}).sort()).toEqual(labels);
    expect(legacy).toEqual({ ...sample, name: legacyName });
  },
);

test.each(STASH_CONTRACT)("$name after a failure: pushed only if it says so", ({ name, legacyName, from, isOnlyOnSuccess }) => {
  const names = bad[from].map((sample) => sample.name).filter((each) => each === name || each === legacyName);

  expect(names).toEqual(isOnlyOnSuccess ? [] : [name, legacyName]);
});

test("no series under Stash's names is pushed that Stash does not have", () => {
  const known = STASH_CONTRACT.flatMap(({ name, legacyName }) => [name, legacyName]);

  const pushed = Object.values(good).flatMap((samples) => samples.map(({ name }) => name));

  expect([...new Set(pushed.filter((name) => name.startsWith("stash_")))].sort()).toEqual([...known].sort());
});

test.each([
  ["kubedb.com/redis", { group: "kubedb.com", kind: "redis" }],
  ["example.com/a/redis", { group: "example.com/a", kind: "redis" }],
  ["redis", { group: "", kind: "redis" }],
  ["", { group: "", kind: "appbindings" }],
])('an AppBinding of type "%s" gives the labels group and kind', (type, expected) => {
  const [sample] = backupSamples(facts.backupFacts({ target: { namespace: "demo", name: "sample-redis", type } }));

  expect(sample?.labels).toMatchObject({ ...expected, name: "sample-redis" });
});

test("without its AppBinding a target has only its name", () => {
  const [sample] = backupSamples(facts.failedBackupFacts({ target: { namespace: "demo", name: "gone", type: undefined } }));

  expect(sample?.labels).toMatchObject({ name: "gone" });
  expect(Object.keys(sample?.labels ?? {})).not.toEqual(expect.arrayContaining(["group"]));
  expect(Object.keys(sample?.labels ?? {})).not.toEqual(expect.arrayContaining(["kind"]));
});

test("a repository's labels name the Repository's namespace in place of the invoker's, and a prefix only when it has one", () => {
  const [withPrefix] = repositorySamples(facts.repositoryFacts());
  const [without] = repositorySamples(facts.repositoryFacts({ store: { backend: "s3", bucket: "backups", prefix: "" } }));

  expect(withPrefix?.labels).toEqual({
    invoker_kind: "BackupConfiguration",
    invoker_name: "sample-redis-backup",
    driver: "Restic",
    repository: "s3-repo",
    namespace: "stores",
    name: "s3-repo",
    backend: "s3",
    bucket: "backups",
    prefix: "demo/redis",
  });
  expect(without?.labels).not.toHaveProperty("prefix");
});

test("sizes and times are the true ones, not those read back from rounded text", () => {
  const value = (name: string) => good["host backup"].find((sample) => sample.name === name)?.value;

  expect(value("stash_backup_host_data_size_bytes")).toBe(12_945_678_901);
  expect(value("stash_backup_host_data_uploaded_bytes")).toBe(3_366_001_234);
  expect(value("stash_backup_host_backup_duration_seconds")).toBe(4.512);
  expect(value("stash_backup_host_data_processing_time_seconds")).toBe(2.75);
  expect(["total", "new", "modified", "unmodified"].map((name) => value(`stash_backup_host_files_${name}`))).toEqual([1, 1, 0, 0]);
});

test("a repository that was found damaged is pushed as 0 (D16)", () => {
  const integrity = (samples: Sample[]) =>
    samples.filter(({ name }) => name.endsWith("_integrity")).map(({ name, value }) => [name, value]);

  expect(integrity(bad.repository)).toEqual([
    ["stash_appscode_com_repository_integrity", 0],
    ["stash_repository_integrity", 0],
    ["holdfast_repository_integrity", 0],
  ]);
  expect(integrity(good.repository).map(([, value]) => value)).toEqual([1, 1, 1]);
});

test("a repository that nobody verified in this session is not called whole, nor damaged", () => {
  const names = repositorySamples(facts.repositoryFacts({ verification: undefined })).map(({ name }) => name);

  expect(names.filter((name) => /integrity|verified/.test(name))).toEqual([]);
  expect(names).toContain("stash_repository_size_bytes");
});

test("the gauge of a restore session says what its targets say, not its phase (R24)", () => {
  const gauge = (changes: Parameters<typeof facts.restoreSessionFacts>[0]) =>
    session.restoreSessionSamples(facts.restoreSessionFacts(changes)).find(({ name }) => name === "stash_restore_session_success")?.value;

  expect(gauge({ targetPhases: ["Succeeded"] })).toBe(1);
  expect(gauge({ targetPhases: ["Failed"] })).toBe(0);
  expect(gauge({ targetPhases: ["Unknown"] })).toBe(0);
  expect(gauge({ targetPhases: ["Succeeded"], hasFailedOtherwise: true })).toBe(0);
  expect(gauge({ targetPhases: [] })).toBe(0);
});

test("labels that the user adds are on every sample, and take no label of the series", () => {
  const extraLabels = { team: "storage", hostname: "wrong", namespace: "wrong", name: "wrong", engine: "wrong" };

  const samples = [
    ...backupSamples(facts.backupFacts({ extraLabels })),
    ...repositorySamples(facts.repositoryFacts({ extraLabels })),
    ...session.backupSessionSamples(facts.sessionFacts({ extraLabels })),
  ].filter(({ name }) => name !== "holdfast_build_info");

  expect(samples.map(({ labels }) => labels.team)).toEqual(samples.map(() => "storage"));
  expect(samples[0]?.labels).toMatchObject({ hostname: "host-0", namespace: "demo", name: "sample-redis" });
});
