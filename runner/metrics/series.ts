// series: a metric's name with what it means. sample: one value of a series with its labels. group: what the gateway replaces together.
// A row below is the only place that knows a name: the builders, the documentation and the tests are made from it.

export interface Series {
  readonly name: string;
  /** The second name that the same sample is pushed under. */
  readonly legacyName?: string;
  readonly help: string;
  readonly unit: "0 or 1" | "always 1" | "seconds" | "Unix time in seconds" | "bytes" | "count" | "exit code";
  readonly labels: keyof typeof LABELS;
  readonly by: "job" | "operator";
  /** "success": a failure leaves the last good value alone. "known": pushed by whoever found it out. */
  readonly when: "always" | "success" | "known";
}

const INVOKER = "invoker_kind, invoker_name, namespace, driver, repository";
const TARGET = `${INVOKER}, group, kind, name`;
const BACKUP = "namespace, invoker_kind, invoker_name, target, repository, engine, host";

/** Which labels a row's samples carry, in words for the documentation. */
export const LABELS = {
  invoker: INVOKER,
  target: TARGET,
  host: `${TARGET}, hostname`,
  store: "invoker_kind, invoker_name, driver, repository, name, namespace (of the Repository), backend, bucket, prefix",
  run: BACKUP,
  "run, item": `${BACKUP}, item`,
  "run, reason": `${BACKUP}, reason`,
  repository: "namespace (of the Repository), repository, backend",
  build: "version",
} as const;

/** What rows of a table share. */
export type Traits = Pick<Series, "unit" | "labels" | "by" | "when">;
