import { apiVersionOf } from "../../runner/kubernetes/parse-object.ts";
import { listIn } from "../../runner/kubernetes/status-list.ts";
import type { TargetRef } from "../../runner/kubernetes/status-target.ts";
import type { LiveObject } from "../objects.ts";

interface Reference {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly name?: string;
  readonly namespace?: string;
}

/** What a session backs up: what its status says stays, whatever becomes of its invoker. `index` counts the targets of one that Stash made for a BackupBatch. */
export function targetRefOf(session: LiveObject, invoker: LiveObject | undefined, index = 0): TargetRef {
  const entry = listIn(session.status ?? {}, "targets")[index];
  if (entry?.ref !== undefined) return entry.ref as TargetRef;
  const { namespace = "" } = session.metadata;
  return targetOfConfiguration(invoker) ?? { apiVersion: "", kind: "", name: "", namespace };
}

/** What a BackupConfiguration names, in full, as runs know it: they find their target by all four words. */
export function targetOfConfiguration(invoker: LiveObject | undefined): TargetRef | undefined {
  const { ref } = (invoker?.spec?.target ?? {}) as { readonly ref?: Reference };
  if (invoker === undefined || ref === undefined) return undefined;
  const { apiVersion = "", kind = "", name = "" } = ref;
  const namespace = ref.namespace || (invoker.metadata.namespace ?? "");
  return { apiVersion: kind === "AppBinding" ? apiVersionOf("AppBinding") : apiVersion, kind, name, namespace };
}
