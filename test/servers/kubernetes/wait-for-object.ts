import type { KubernetesObject, KubernetesObjects } from "./kubernetes-objects.ts";

export type ObjectReference = Pick<KubernetesObject, "apiVersion" | "kind" | "metadata">;

export interface WaitOptions {
  /** Default 60,000. */
  readonly timeoutMs?: number;
}

/** Resolves with the object once it is there and as wanted; rejects with how it was last when that takes too long. */
export async function waitForObject(
  objects: KubernetesObjects,
  reference: ObjectReference,
  isWanted: (object: KubernetesObject) => boolean,
  options: WaitOptions = {},
): Promise<KubernetesObject> {
  let seen: KubernetesObject | undefined;
  await until(describe(reference), options, async () => {
    seen = await find(objects, reference);
    return { isReached: seen !== undefined && isWanted(seen), seen };
  });
  return seen as KubernetesObject;
}

/** Resolves once there is no such object. */
export async function waitUntilGone(objects: KubernetesObjects, reference: ObjectReference, options: WaitOptions = {}): Promise<void> {
  await until(`the end of ${describe(reference)}`, options, async () => {
    const seen = await find(objects, reference);
    return { isReached: seen === undefined, seen };
  });
}

/** Resolves with all objects of the kind in the namespace once they are as wanted. */
export async function waitForObjects(
  objects: KubernetesObjects,
  { apiVersion, kind, namespace }: { readonly apiVersion: string; readonly kind: string; readonly namespace: string },
  isWanted: (all: readonly KubernetesObject[]) => boolean,
  options: WaitOptions = {},
): Promise<readonly KubernetesObject[]> {
  let seen: readonly KubernetesObject[] = [];
  await until(`${kind}s in "${namespace}"`, options, async () => {
    seen = await objects.list(apiVersion, kind, namespace);
    return { isReached: isWanted(seen), seen };
  });
  return seen;
}

async function find(objects: KubernetesObjects, reference: ObjectReference): Promise<KubernetesObject | undefined> {
  try {
    return await objects.get(reference);
  } catch (error) {
    if (/^Cannot get .*: 404 /.test((error as Error).message)) return undefined;
    throw error;
  }
}

async function until(
  what: string,
  { timeoutMs = 60_000 }: WaitOptions,
  look: () => Promise<{ readonly isReached: boolean; readonly seen: unknown }>,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const { isReached, seen } = await look();
    if (isReached) return;
    if (Date.now() > deadline) throw new Error(`Waited in vain for ${what}; seen last: ${JSON.stringify(seen) ?? "nothing"}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function describe({ kind, metadata }: ObjectReference): string {
  return `${kind} "${metadata.namespace ?? ""}/${metadata.name}"`;
}
