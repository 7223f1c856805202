import { decideRestoreSession } from "./decide/restore-session.ts";
import { observeRestoreSession } from "./observe/restore-session.ts";
import type { Reconciler } from "./world.ts";

/** One restore, from its RestoreSession to its outcome. */
export const reconcileRestoreSession: Reconciler = {
  name: "restore-session",
  kind: "RestoreSession",
  async reconcile(name, world) {
    const observed = await observeRestoreSession(name, world);
    return decideRestoreSession(observed, { now: world.now(), settings: world.settings });
  },
};
