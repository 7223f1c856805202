import type { Sample } from "./metrics/metrics.ts";
import { jobName, type PushGroup } from "./metrics/push-group.ts";
import { pushMetrics } from "./metrics/push-metrics.ts";
import type { RunParts } from "./run.ts";
import type { BackupSessionWriter } from "./session.ts";
import type { RestoreSessionWriter } from "./session-restore.ts";

export interface MetricsPlace {
  /** Nothing is pushed without. */
  readonly url: string | undefined;
  readonly invoker: { readonly kind: string; readonly namespace: string; readonly name: string };
  readonly session?: Pick<BackupSessionWriter | RestoreSessionWriter, "event"> | undefined;
}

export interface MetricsBatch {
  readonly group: PushGroup;
  readonly samples: readonly Sample[];
}

export interface MetricsOutcome {
  readonly isSuccess: boolean;
  readonly message: string;
}

/** Pushes each group. Never rejects: what could not be pushed is a warning and an Event, whatever the run itself has come to. */
export async function pushRunMetrics(batches: readonly MetricsBatch[], place: MetricsPlace, parts: RunParts): Promise<MetricsOutcome> {
  const { url, invoker, session } = place;
  if (url === undefined) return { isSuccess: true, message: "No Pushgateway is named: metrics are not pushed" };
  const results = await Promise.all(batches.map(({ group, samples }) => pushMetrics(samples, { url, job: jobName(invoker), group })));
  const failed = results.find((result) => !result.isPushed);
  if (failed === undefined || failed.isPushed) return { isSuccess: true, message: "Metrics are pushed" };
  const message = parts.redact(failed.message);
  parts.warn(failed.reason, `${message}; ${failed.hint}`);
  await session?.event("Warning", failed.reason, message);
  return { isSuccess: false, message };
}
