import { ClusterUnavailableError, HoldfastError } from "../../runner/errors.ts";
import { parseObject } from "../../runner/kubernetes/parse-object.ts";
import { backupRequest } from "../../runner/kubernetes/resolve-request.ts";
import { resolveFromCluster } from "../../runner/kubernetes/resolve-with-cluster.ts";
import { jobAccount, jobRights } from "../build/job-rbac.ts";
import { jobSettings } from "../build/session-job.ts";
import type { StartFault, StartParts } from "../decide/observed-backup-session.ts";
import { sentence } from "../decide/sentence.ts";
import type { LiveObject, WantedObject } from "../objects.ts";
import type { World } from "../world.ts";

/**
 * What a session of this invoker is made of, from the objects as they are now; or why it cannot be made, which is a fact like any other.
 * @throws ClusterUnavailableError when the server does not say
 */
export async function observeStart(session: LiveObject, invoker: LiveObject, world: World): Promise<StartParts | StartFault> {
  const { namespace, name } = invoker.metadata;
  const { cluster } = world;
  try {
    const parsed = parseObject("BackupConfiguration", invoker, { name: `${namespace}/${name}` });
    const request = backupRequest(parsed, { session: { name: session.metadata.name, uid: session.metadata.uid }, targetIndex: 0 });
    const settings = { ...jobSettings(world.settings), serviceAccountName: jobAccount(request, invoker) };
    const { job, claim, repository, appBinding } = await resolveFromCluster(request, { cluster, settings });
    const rights = jobRights(request, { invoker, appBinding, repository, settings: world.settings });
    return { kind: "parts", rights, claim: claim as WantedObject | undefined, job: job as unknown as WantedObject };
  } catch (error) {
    if (!(error instanceof HoldfastError) || error instanceof ClusterUnavailableError) throw error;
    return { kind: "fault", message: sentence(error) };
  }
}
