/** Labels that a group is known by. No series may carry one of them itself: the gateway would overwrite it. */
export type PushGroup = Readonly<Record<string, string>>;

/** The gateway's job of everything that one invoker asks for. */
export function jobName({ kind, namespace, name }: { readonly kind: string; readonly namespace: string; readonly name: string }): string {
  return `${kind.toLowerCase()}-${namespace}-${name}`;
}

/** A push replaces all series of the same names in its group: with a group for each target, the targets of a batch leave one another alone. */
export function targetGroup({ namespace, name }: { readonly namespace: string; readonly name: string }): PushGroup {
  return { holdfast_target: `${namespace}.${name}` };
}

/** Of the repository's series: they belong to no single target of a batch. */
export function repositoryGroup({ namespace, name }: { readonly namespace: string; readonly name: string }): PushGroup {
  return { holdfast_repository: `${namespace}.${name}` };
}

/** Of the series that speak of a whole session. */
export const sessionGroup: PushGroup = {};
