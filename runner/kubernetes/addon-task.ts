import type { AppBinding } from "./cluster.ts";

export interface AddonTask {
  /** Name of the Task; absent when the AppBinding names none. */
  readonly name: string | undefined;
  /** Its parameters; the last of two with one name counts. */
  readonly params: Readonly<Record<string, string>>;
}

/** The Task that the AppBinding names for this direction, with that Task's own parameters: a restore never takes those of the backup. */
export function addonTask(appBinding: AppBinding, direction: "backup" | "restore"): AddonTask {
  const addon = appBinding.spec.parameters?.stash?.addon;
  const task = direction === "backup" ? addon?.backupTask : addon?.restoreTask;
  const params = Object.fromEntries((task?.params ?? []).map(({ name, value }) => [name, value]));
  return { name: task?.name || undefined, params };
}
