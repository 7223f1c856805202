import { NOTHING } from "./action.ts";
import { decideTriggerJob } from "./decide/trigger-job.ts";
import { isTriggerJob } from "./names.ts";
import { controllerOf, type LiveObject } from "./objects.ts";
import type { Reconciler, World } from "./world.ts";

/** Removes the Jobs that triggered a backup, and tells of those that did not. */
export const reconcileTriggerJob: Reconciler = {
  name: "trigger-job",
  kind: "Job",
  async reconcile(name, world) {
    const job = world.cached("Job", name);
    if (job === undefined || !isTriggerJob(job)) return NOTHING;
    const pods = world.cachedIn("Pod", name.namespace).filter((pod) => controllerOf(pod)?.uid === job.metadata.uid);
    return decideTriggerJob({ job, pods, invoker: invokerOf(job, world) }, world.now(), world.settings);
  },
};

/** The owner of the Job's CronJob. */
function invokerOf(job: LiveObject, world: World): LiveObject | undefined {
  const cronJob = ownerIn("CronJob", job, world);
  return cronJob && (ownerIn("BackupConfiguration", cronJob, world) ?? ownerIn("BackupBatch", cronJob, world));
}

function ownerIn(kind: "CronJob" | "BackupConfiguration" | "BackupBatch", object: LiveObject, world: World): LiveObject | undefined {
  const owner = controllerOf(object);
  if (owner?.kind !== kind) return undefined;
  const found = world.cached(kind, { namespace: object.metadata.namespace ?? "", name: owner.name });
  return found?.metadata.uid === owner.uid ? found : undefined;
}
