import { backupSamples } from "../../../runner/metrics/backup-samples.ts";
import type { Sample } from "../../../runner/metrics/metrics.ts";
import { jobName, sessionGroup, targetGroup } from "../../../runner/metrics/push-group.ts";
import { type PushResult, pushMetrics } from "../../../runner/metrics/push-metrics.ts";
import { restoreSessionSamples } from "../../../runner/metrics/session-samples.ts";
import { type PushedSeries, type Pushgateway, startPushgateway } from "../../servers/pushgateway.ts";
import { backupFacts, failedBackupFacts, restoreSessionFacts } from "../../unit/metrics/metric-facts.ts";

let gateway: Pushgateway;

beforeEach(async () => {
  gateway = await startPushgateway();
});

afterEach(() => gateway[Symbol.asyncDispose]());

function push(samples: readonly Sample[], { target = "sample-redis", url = gateway.url } = {}): Promise<PushResult> {
  const job = jobName({ kind: "BackupBatch", namespace: "demo", name: "nightly" });
  return pushMetrics(samples, { url, job, group: targetGroup({ namespace: "demo", name: target }) });
}

async function pushed(name: string): Promise<readonly PushedSeries[]> {
  return (await gateway.series()).filter((series) => series.name === name);
}

async function values(name: string): Promise<number[]> {
  return (await pushed(name)).map(({ value }) => value);
}

test("what is pushed stands in the gateway with its labels, its job and its group, byte for byte the same value", async () => {
  const result = await push(backupSamples(backupFacts()));

  expect(result).toEqual({ isPushed: true });
  expect(await pushed("stash_appscode_com_backupsession_host_data_size_bytes")).toEqual([
    {
      name: "stash_appscode_com_backupsession_host_data_size_bytes",
      labels: {
        job: "backupbatch-demo-nightly",
        instance: "",
        holdfast_target: "demo.sample-redis",
        invoker_kind: "BackupConfiguration",
        invoker_name: "sample-redis-backup",
        namespace: "demo",
        driver: "Restic",
        repository: "s3-repo",
        group: "kubedb.com",
        kind: "redis",
        name: "sample-redis",
        hostname: "host-0",
      },
      value: 12_945_678_901,
    },
  ]);
});

test("a failure is seen at once, and the last success stays in the gateway beside it", async () => {
  await push(backupSamples(backupFacts()));

  const result = await push(backupSamples(failedBackupFacts()));

  expect(result.isPushed).toBe(true);
  expect(await values("stash_backup_host_backup_success")).toEqual([0]);
  expect(await values("holdfast_backup_last_attempt_success")).toEqual([0]);
  expect(await values("holdfast_backup_last_attempt_timestamp_seconds")).toEqual([1_800_003_600]);
  expect(await values("holdfast_backup_exit_code")).toEqual([30]);
  expect((await pushed("holdfast_backup_last_attempt_info")).map(({ labels }) => labels.reason)).toEqual(["StoreUnavailable"]);
  expect(await values("holdfast_backup_last_success_timestamp_seconds")).toEqual([1_800_000_000.25]);
  expect(await values("holdfast_backup_stored_bytes")).toEqual([3_366_001_234]);
  expect(await values("stash_appscode_com_backupsession_host_data_uploaded_bytes")).toEqual([3_366_001_234]);
});

test("the second target of a batch leaves the first one's series alone (R25)", async () => {
  const other = { namespace: "demo", name: "other-redis", type: "redis" };
  await push(backupSamples(backupFacts()));

  await push(backupSamples(failedBackupFacts({ target: other })), { target: other.name });

  const success = await pushed("stash_appscode_com_backupsession_host_backup_success");
  expect(Object.fromEntries(success.map(({ labels, value }) => [labels.name, value]))).toEqual({ "sample-redis": 1, "other-redis": 0 });
  expect((await pushed("holdfast_backup_exit_code")).map(({ labels, value }) => [labels.target, value]).sort()).toEqual([
    ["other-redis", 30],
    ["sample-redis", 0],
  ]);
});

test("a good restore session stands as 1 in the gateway although its own phase is still Running (R24)", async () => {
  const facts = restoreSessionFacts();

  const result = await pushMetrics(restoreSessionSamples(facts), { url: gateway.url, job: jobName(facts.invoker), group: sessionGroup });

  expect(result.isPushed).toBe(true);
  const [success] = await pushed("stash_appscode_com_restoresession_success");
  expect(success).toMatchObject({ value: 1, labels: { job: "restoresession-demo-sample-redis-restore", invoker_kind: "RestoreSession" } });
});

test.each([
  ["quotes and backslashes", 'a "quoted" \\ value\\n'],
  ["line breaks", "first\nsecond\n"],
  ["other scripts and emoji", "Größe 大きさ 🦆"],
  ["braces, commas and equals signs", '",b="x"} 1\n#{,'],
  ["nothing", ""],
])("label values with %s arrive as they are", async (_, value) => {
  const labels = { namespace: value, invoker_kind: "x" };

  const result = await push([{ name: "holdfast_build_info", help: 'Help with a "quote",\na line break and a \\', labels, value: 1 }]);

  expect(result).toEqual({ isPushed: true });
  expect((await pushed("holdfast_build_info")).map((series) => series.labels.namespace)).toEqual([value]);
});

test.each(["a/b", "..", "", "ä b%2F?#", "a@base64"])('a group and a job of the value "%s" are kept apart and whole', async (value) => {
  const sample = { name: "holdfast_build_info", help: "x", labels: {}, value: 1 };

  const result = await pushMetrics([sample], { url: gateway.url, job: `job-${value}`, group: { holdfast_target: value } });

  expect(result).toEqual({ isPushed: true });
  const [series] = await pushed("holdfast_build_info");
  expect(series?.labels).toMatchObject({ job: `job-${value}`, holdfast_target: value });
});

test("a gateway below a path prefix is reached, with and without a slash at the end", async () => {
  await using below = await startPushgateway({ pathPrefix: "/metrics-of/us" });

  const results = await Promise.all([
    push(backupSamples(backupFacts()), { url: `${below.url}/` }),
    push(backupSamples(backupFacts()), { url: below.url }),
  ]);

  expect(results).toEqual([{ isPushed: true }, { isPushed: true }]);
  expect((await below.series()).some(({ name }) => name === "holdfast_backup_exit_code")).toBe(true);
});

test("samples that contradict what others pushed are refused by the gateway, and its word is passed on", async () => {
  const inconsistent = "# TYPE holdfast_backup_exit_code counter\nholdfast_backup_exit_code 1\n";
  await fetch(`${gateway.url}/metrics/job/somebody-else`, { method: "POST", body: inconsistent });

  const result = await push(backupSamples(backupFacts()));

  expect(result).toMatchObject({ isPushed: false, reason: "FailedToPushMetrics" });
  expect(result.isPushed ? "" : result.message).toMatch(
    /^Cannot push metrics to http:\/\/127\.0\.0\.1:\d+: it answered 400 .*inconsistent/,
  );
  const [failure] = (await pushed("push_failure_time_seconds")).filter(({ labels }) => labels.holdfast_target === "demo.sample-redis");
  expect(failure?.value).toBeGreaterThan(0);
});
