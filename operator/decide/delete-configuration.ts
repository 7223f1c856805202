import type { Decision } from "../action.ts";
import type { KindName } from "../kinds.ts";
import { FINALIZER } from "../names.ts";
import { identityOf } from "../objects.ts";
import { removeFinalizer } from "./finalizers.ts";
import { statusActions } from "./invoker-status.ts";
import type { ObservedDeletion } from "./observed-configuration.ts";
import { referenceTo, withoutReference } from "./repository-references.ts";

/** What reaches beyond the namespace is taken back, then the object may go; what lies beside it goes with it. */
export function decideDeletion({ object, foreignRights, references }: ObservedDeletion): Decision {
  const reference = referenceTo(object);
  return {
    actions: [
      ...foreignRights.map((right) => ({ do: "remove", kind: right.kind as KindName, object: identityOf(right) }) as const),
      ...references.flatMap((repository) => statusActions(repository, [(status) => withoutReference(status, reference)]).actions),
      ...removeFinalizer(object, FINALIZER),
    ],
  };
}
