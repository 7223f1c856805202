import type { Condition } from "../e2e/kubernetes/session-end.ts";
import type { KubernetesObject } from "../servers/kubernetes/kubernetes-objects.ts";

interface Told {
  readonly conditions?: readonly Condition[];
  readonly targets?: readonly { readonly conditions?: readonly Condition[]; readonly stats?: readonly { readonly error?: string }[] }[];
  readonly stats?: readonly { readonly error?: string }[];
}

/** All that a session's status says of what went wrong, for a person to read: conditions that are bad, and errors of hosts. */
export function failureText({ status }: KubernetesObject): string {
  const { conditions = [], targets = [], stats = [] } = (status ?? {}) as Told;
  const all = [...conditions, ...targets.flatMap((target) => target.conditions ?? [])];
  const bad = all.filter(({ type, status }) =>
    /^(BackupDisrupted|RestoreDisrupted|DeadlineExceeded|BackupSkipped)$/.test(type) ? status === "True" : status === "False",
  );
  const errors = [...stats, ...targets.flatMap((target) => target.stats ?? [])].flatMap(({ error }) => error ?? []);
  return [...bad.map(({ type, reason, message }) => `${type} ${reason}: ${message}`), ...errors].join("\n");
}
