// Types of Kubernetes itself that stand inside our objects. They are handed on as they are and never judged here: the API server that
// runs the pod knows them better, and its next version knows more.
import * as z from "zod";

/** An object of Kubernetes' own, every field of it kept. */
export function coreObject(): z.ZodObject<Record<never, never>, z.core.$loose> {
  return z.looseObject({});
}

/** A list of objects of Kubernetes' own. */
export function coreList(): z.ZodArray<ReturnType<typeof coreObject>> {
  return z.array(coreObject());
}

/** For an object that has members of ours and a core type's beside them. */
export const WITH_UNKNOWN_FIELDS = { "x-kubernetes-preserve-unknown-fields": true } as const;

/** For a member that whoever uses the object needs, and an API server does not ask for. */
export const NEEDED_IN_USE = { "x-needed-in-use": true } as const;

/** An amount such as 512Mi or 2. */
export const quantity = z
  .union([
    z.int(),
    z.string().regex(/^[+-]?(\d+(\.\d*)?|\.\d+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?(\d+(\.\d*)?|\.\d+))?$/, "expected an amount such as 512Mi"),
  ])
  .meta({ "x-kubernetes-int-or-string": true });

export const labels = z.record(z.string(), z.string());
