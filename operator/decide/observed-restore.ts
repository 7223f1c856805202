// What there is of one restore, as it is handed to whoever decides.
import type { Condition } from "../../runner/kubernetes/status-condition.ts";
import type { LiveObject, WantedObject } from "../objects.ts";

export type ObservedRestore =
  | { readonly stage: "over"; readonly session: LiveObject; readonly job: LiveObject | undefined }
  | { readonly stage: "deleted"; readonly session: LiveObject; readonly foreignRights: readonly LiveObject[] }
  /** There is no Job, and there has never been one. */
  | { readonly stage: "new"; readonly session: LiveObject; readonly preparation: Preparation }
  | (StartedRestore & { readonly stage: "started" });

export interface Preparation {
  /** All that was found out: the last one is what the restore waits for, unless all are True. */
  readonly conditions: readonly Condition[];
  readonly deadline?: Date | undefined;
  /** Absent as long as something is missing. */
  readonly plan?: RestorePlan | undefined;
  /** Everything is there, and yet no Job can be made of it: this is for good. */
  readonly unresolvable?: string | undefined;
}

export interface RestorePlan {
  readonly rights: readonly WantedObject[];
  readonly claim: WantedObject | undefined;
  readonly job: WantedObject;
  /** KubeDB looks for its labels on restores into its databases. */
  readonly labels: Readonly<Record<string, string>>;
}

export interface StartedRestore {
  /** Read after Job and pods were: what they wrote before their end stands in it. */
  readonly session: LiveObject;
  /** `undefined` when the server has none that is the session's. */
  readonly job: LiveObject | undefined;
  readonly pods: readonly LiveObject[];
  /** By `bindingKey`. */
  readonly appBindingTypes: ReadonlyMap<string, string>;
}
