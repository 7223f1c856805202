import { OperatorMetrics } from "../../../../operator/serve/operator-metrics.ts";
import { liveObject, metricSources } from "./metric-sources.ts";

async function seriesOf(metrics: OperatorMetrics): Promise<readonly string[]> {
  const { body } = await metrics.text();
  return body.split("\n").filter((line) => line.startsWith("holdfast_operator_") && !/_(process|nodejs)_/.test(line));
}

test("every figure is there, as it is when it is asked for", async () => {
  const sources = { isLeader: false };
  const metrics = new OperatorMetrics(metricSources({ isLeader: () => sources.isLeader }));
  metrics.passed("backup-session", "failed", 700);
  metrics.passed("backup-session", "done", 3);
  metrics.wrote("Job");
  sources.isLeader = true;

  const series = await seriesOf(metrics);

  expect(series).toEqual(
    expect.arrayContaining([
      'holdfast_operator_passes_total{reconciler="backup-session",outcome="failed"} 1',
      'holdfast_operator_passes_total{reconciler="backup-session",outcome="done"} 1',
      'holdfast_operator_pass_seconds_bucket{le="0.5",reconciler="backup-session"} 1',
      'holdfast_operator_pass_seconds_count{reconciler="backup-session"} 2',
      'holdfast_operator_writes_total{kind="Job"} 1',
      "holdfast_operator_is_leader 1",
      'holdfast_operator_queue_depth{reconciler="backup-session"} 5',
      'holdfast_operator_cached_objects{kind="Job"} 6',
      'holdfast_operator_last_schedule_time_seconds{namespace="shop",backupconfiguration="nightly"} 1795316400',
      'holdfast_operator_schedule_interval_seconds{namespace="shop",backupconfiguration="nightly"} 86400',
    ]),
  );
  expect(series.filter((line) => /_watch/.test(line)).map((line) => line.split(" ")[1])).toEqual(["1", "2", "3", "4"]);
});

test("a BackupConfiguration that is gone leaves no series behind", async () => {
  const known = [liveObject("BackupConfiguration", "nightly", { spec: { schedule: "@daily" } })];
  const metrics = new OperatorMetrics(metricSources({ backupConfigurations: () => known }));
  const before = await seriesOf(metrics);

  known.pop();

  expect(before.filter((line) => line.includes("nightly"))).toHaveLength(2);
  expect((await seriesOf(metrics)).filter((line) => line.includes("nightly"))).toEqual([]);
});

test.each<[string, object | undefined, object | undefined, readonly string[]]>([
  [
    "a paused one says no interval",
    { schedule: "@daily", paused: true },
    { lastScheduleTime: "2026-11-22T03:00:00Z" },
    ["last_schedule_time"],
  ],
  ["one that was never triggered says no time", { schedule: "@daily" }, {}, ["schedule_interval"]],
  ["a schedule that cannot be read says nothing", { schedule: "now and then" }, undefined, []],
  ["a spec that is missing says nothing", undefined, undefined, []],
  ["a time that is none says nothing", { schedule: 7 }, { lastScheduleTime: "yesterday" }, []],
])("%s", async (_, spec, status, expected) => {
  const metrics = new OperatorMetrics(
    metricSources({
      backupConfigurations: () => [liveObject("BackupConfiguration", "nightly", spec === undefined ? {} : { spec: spec as never })],
      cronJobOf: () => (status === undefined ? undefined : liveObject("CronJob", "trigger", { status: status as never })),
    }),
  );

  const found = (await seriesOf(metrics)).filter((line) => line.includes("nightly"));

  expect(found.map((line) => /^holdfast_operator_(\w+)_seconds/.exec(line)?.[1])).toEqual(expected);
});

test("a schedule that is corrected says its new interval, and a thousand of one kind cost no more than one", async () => {
  const known = Array.from({ length: 1_000 }, (_, index) =>
    liveObject("BackupConfiguration", `nightly-${index}`, { spec: { schedule: "0 3 * * 1-5" } }),
  );
  const metrics = new OperatorMetrics(metricSources({ backupConfigurations: () => known, cronJobOf: () => undefined }));
  const intervals = async () => (await seriesOf(metrics)).filter((line) => line.includes("nightly-")).map((line) => line.split(" ")[1]);
  const before = process.cpuUsage().user;

  expect(new Set(await intervals())).toEqual(new Set(["259200"]));
  // Each by itself would take 5 s and more.
  expect(process.cpuUsage().user - before).toBeLessThan(2_000_000);
  known.splice(0, 1_000, liveObject("BackupConfiguration", "nightly-0", { spec: { schedule: "@hourly" } }));

  expect(await intervals()).toEqual(["3600"]);
});

test("names that could break the format do not", async () => {
  const odd = liveObject("BackupConfiguration", 'a"b\\c\nd', { spec: { schedule: "@hourly" } });
  const metrics = new OperatorMetrics(metricSources({ backupConfigurations: () => [odd], cronJobOf: () => undefined }));

  expect(await seriesOf(metrics)).toContain(
    'holdfast_operator_schedule_interval_seconds{namespace="shop",backupconfiguration="a\\"b\\\\c\\nd"} 3600',
  );
});
