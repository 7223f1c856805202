import { parseDuration } from "../../runner/kubernetes/go-format.ts";
import type { ResolvedJob } from "../../runner/kubernetes/resolve-job.ts";
import type { LiveObject, WantedObject } from "../objects.ts";
import { secondsUntil } from "./session-job.ts";

/** The runner ends by itself at the deadline, and has this long for its last words. */
export const LAST_WORDS_MS = 30_000;

/**
 * When the restore has to be over: counted from its creation, as the runner counts. `undefined` when it may take as long as it likes.
 * @throws ParameterError for a timeOut that is no duration
 */
export function restoreDeadline({ metadata, spec }: LiveObject): Date | undefined {
  const timeOut = spec?.timeOut;
  return typeof timeOut === "string" ? new Date(Date.parse(metadata.creationTimestamp) + parseDuration(timeOut)) : undefined;
}

/** The Job of a restore. Its pod has a deadline of its own, in case nobody is there to stop it. */
export function restoreJob({ job }: Pick<ResolvedJob, "job">, { deadline, now }: { deadline: Date | undefined; now: Date }): WantedObject {
  if (deadline === undefined) return { ...job };
  const activeDeadlineSeconds = secondsUntil(new Date(deadline.getTime() + LAST_WORDS_MS), now);
  const { template } = job.spec;
  return { ...job, spec: { ...job.spec, template: { ...template, spec: { ...template.spec, activeDeadlineSeconds } } } };
}
