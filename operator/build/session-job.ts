import type { Job } from "../../runner/kubernetes/resolve-objects.ts";
import type { ResolveSettings } from "../../runner/kubernetes/task-variables.ts";
import { readGatewayUrl } from "../../runner/metrics/gateway-url.ts";
import type { OperatorSettings } from "../settings.ts";

/** What the operator's own settings say of every Job; the image of each Function is its own. */
export function jobSettings({ image, pushgatewayUrl }: Pick<OperatorSettings, "image" | "pushgatewayUrl">): ResolveSettings {
  return { operatorImage: image, pushgatewayUrl: isPrintable(pushgatewayUrl) ? pushgatewayUrl : undefined };
}

/**
 * The Job as it is made: its pod ends when its session has no time left. The limit is the pod's and not the Job's, so that the log stays; and nothing removes the Job by
 * itself, since a Job that is gone looks like one that never was.
 */
export function sessionJob(job: Job, { deadline, now }: { readonly deadline: Date | undefined; readonly now: Date }): Job {
  if (deadline === undefined) return job;
  const activeDeadlineSeconds = secondsUntil(deadline, now);
  const { template } = job.spec;
  return { ...job, spec: { ...job.spec, template: { ...template, spec: { ...template.spec, activeDeadlineSeconds } } } };
}

/** As many as the API server takes. */
const MOST_SECONDS = 2 ** 31 - 1;

/** For a pod's limit of time: at least one, whatever the clock says. */
export function secondsUntil(time: Date, now: Date): number {
  return Math.min(MOST_SECONDS, Math.max(1, Math.ceil((time.getTime() - now.getTime()) / 1000)));
}

/** Everybody who may see a Job would know a password in it: such jobs take the URL from a Secret, by runtimeSettings.container.env. */
function isPrintable(url: string | undefined): boolean {
  try {
    return url !== undefined && readGatewayUrl(url).authorization === undefined;
  } catch {
    // What it is, nobody knows: it may well be a secret. Pushing there fails, and says so.
    return false;
  }
}
