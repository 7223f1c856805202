import type { AppBinding, Repository } from "./cluster.ts";

/** Names of all Secrets that a run reads because of this AppBinding; they are of its own namespace. */
export function secretsOfAppBinding({ spec }: AppBinding): readonly string[] {
  const transforms = (spec.secretTransforms ?? []).map(({ addKeysFrom }) => addKeysFrom?.secretRef.name);
  const client = spec.parameters?.clientCertSecret?.name ?? spec.tlsSecret?.name;
  return distinct([spec.secret?.name, ...transforms, client]);
}

/** As above, for a Repository. */
export function secretsOfRepository({ spec }: Repository): readonly string[] {
  return distinct([spec.backend.storageSecretName]);
}

/** Whether a use from another namespace is judged by that namespace's labels. */
export function selectsNamespaces({ spec }: Repository): boolean {
  const allowed = spec.usagePolicy?.allowedNamespaces;
  return allowed?.from === "Selector" && allowed.selector !== undefined;
}

function distinct(names: readonly (string | undefined)[]): readonly string[] {
  return [...new Set(names.filter((name) => name !== undefined))];
}
