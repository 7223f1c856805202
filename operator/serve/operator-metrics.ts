import prometheus from "prom-client";
import { longestScheduleInterval } from "../../runner/metrics/schedule-interval.ts";
import type { LiveObject } from "../objects.ts";

export type PassOutcome = "done" | "waiting" | "failed";

/** What the figures are read from when somebody asks for them. */
export interface MetricSources {
  queueDepths(): ReadonlyMap<string, number>;
  watches(): ReadonlyMap<string, { readonly lists: number; readonly watches: number; readonly failures: number; readonly events: number }>;
  cachedObjects(): ReadonlyMap<string, number>;
  isLeader(): boolean;
  backupConfigurations(): readonly LiveObject[];
  cronJobOf(invoker: LiveObject): LiveObject | undefined;
}

/** The operator's own series, `holdfast_operator_*`, in Prometheus' text format. */
export class OperatorMetrics {
  readonly #registry = new prometheus.Registry();
  readonly #passes: prometheus.Counter<"reconciler" | "outcome">;
  readonly #seconds: prometheus.Histogram<"reconciler">;
  readonly #writes: prometheus.Counter<"kind">;
  readonly #intervals = new Map<string, number | undefined>();

  constructor(sources: MetricSources) {
    const registers = [this.#registry];
    this.#passes = new prometheus.Counter({
      name: "holdfast_operator_passes_total",
      help: "Looks at an object, by what came of them",
      labelNames: ["reconciler", "outcome"],
      registers,
    });
    this.#seconds = new prometheus.Histogram({
      name: "holdfast_operator_pass_seconds",
      help: "How long one look at an object took, writes included",
      labelNames: ["reconciler"],
      buckets: [0.005, 0.02, 0.1, 0.5, 2, 10, 60],
      registers,
    });
    this.#writes = new prometheus.Counter({
      name: "holdfast_operator_writes_total",
      help: "Objects written",
      labelNames: ["kind"],
      registers,
    });
    this.#addGauges(sources);
    this.#addProcess();
  }

  passed(reconciler: string, outcome: PassOutcome, milliseconds: number): void {
    this.#passes.inc({ reconciler, outcome });
    this.#seconds.observe({ reconciler }, milliseconds / 1000);
  }

  wrote(kind: string): void {
    this.#writes.inc({ kind });
  }

  async text(): Promise<{ readonly contentType: string; readonly body: string }> {
    return { contentType: this.#registry.contentType, body: await this.#registry.metrics() };
  }

  #addGauges(sources: MetricSources): void {
    const gauge = (name: string, help: string, labelNames: string[], collect: (gauge: prometheus.Gauge<string>) => void) =>
      new prometheus.Gauge({
        name: `holdfast_operator_${name}`,
        help,
        labelNames,
        registers: [this.#registry],
        collect() {
          this.reset();
          collect(this);
        },
      });
    gauge("is_leader", "1 for the operator that works", [], (it) => it.set(sources.isLeader() ? 1 : 0));
    gauge("queue_depth", "Objects that wait to be looked at", ["reconciler"], (it) => {
      for (const [reconciler, depth] of sources.queueDepths()) it.set({ reconciler }, depth);
    });
    gauge("cached_objects", "Objects in memory", ["kind"], (it) => {
      for (const [kind, count] of sources.cachedObjects()) it.set({ kind }, count);
    });
    for (const count of ["lists", "watches", "failures", "events"] as const) {
      new prometheus.Counter({
        name: `holdfast_operator_watch_${count}_total`,
        help: HELP[count],
        labelNames: ["kind"],
        registers: [this.#registry],
        collect() {
          this.reset();
          for (const [kind, counts] of sources.watches()) this.inc({ kind }, counts[count]);
        },
      });
    }
    const schedule = ["namespace", "backupconfiguration"];
    gauge("last_schedule_time_seconds", "When the CronJob of a BackupConfiguration last started a backup", schedule, (it) => {
      for (const invoker of sources.backupConfigurations()) {
        const time = Date.parse(String(sources.cronJobOf(invoker)?.status?.lastScheduleTime));
        if (Number.isFinite(time)) it.set(labelsOf(invoker), time / 1000);
      }
    });
    gauge(
      "schedule_interval_seconds",
      "Longest time between two backups that the schedule asks for; none while it is paused",
      schedule,
      (it) => {
        for (const invoker of sources.backupConfigurations()) {
          const interval = this.#intervalOf(String(invoker.spec?.schedule ?? ""));
          if (interval !== undefined && invoker.spec?.paused !== true) it.set(labelsOf(invoker), interval / 1000);
        }
      },
    );
  }

  /** Reckoned once: it takes milliseconds, and thousands of schedules at every scrape would cost the Lease. */
  #intervalOf(schedule: string): number | undefined {
    if (this.#intervals.size > MOST_SCHEDULES) this.#intervals.clear();
    if (!this.#intervals.has(schedule)) this.#intervals.set(schedule, longestScheduleInterval(schedule));
    return this.#intervals.get(schedule);
  }

  /** Memory, processor, event loop; without the three gauges that are named like counters. */
  #addProcess(): void {
    const prefix = "holdfast_operator_";
    prometheus.collectDefaultMetrics({ register: this.#registry, prefix });
    for (const active of ["handles", "requests", "resources"]) {
      this.#registry.removeSingleMetric(`${prefix}nodejs_active_${active}`);
      this.#registry.removeSingleMetric(`${prefix}nodejs_active_${active}_total`);
    }
  }
}

/** As many as are kept: what people wrote and corrected must not pile up. */
const MOST_SCHEDULES = 10_000;

const HELP = { lists: "Lists of a kind", watches: "Watches begun", failures: "Lists and watches that failed", events: "Changes seen" };

function labelsOf({ metadata }: LiveObject): Record<string, string> {
  return { namespace: metadata.namespace ?? "", backupconfiguration: metadata.name };
}
