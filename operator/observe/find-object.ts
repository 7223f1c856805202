import { ClusterRefusedError, ParameterError } from "../../runner/errors.ts";
import type { ObjectName } from "../../runner/kubernetes/cluster.ts";
import { type ObjectOf, parseObject } from "../../runner/kubernetes/parse-object.ts";
import type { Found } from "../decide/observed-configuration.ts";
import { sentence } from "../decide/sentence.ts";
import { isBeingDeleted, type LiveObject } from "../objects.ts";
import type { World } from "../world.ts";

/** Looks for a named object, asking the server when the cache has none. @throws ClusterUnavailableError when there is no answer */
export async function findObject<K extends "Repository" | "AppBinding">(
  kind: K,
  name: ObjectName,
  world: World,
): Promise<Found<{ readonly live: LiveObject; readonly parsed: ObjectOf<K> }>> {
  const label = `${kind} "${name.namespace}/${name.name}"`;
  return findOut(label, async () => {
    const live = world.cached(kind, name) ?? (await world.live(kind, name));
    if (live === undefined) return { kind: "missing", message: `${label} is not there: create it, or correct its name` };
    if (isBeingDeleted(live)) return { kind: "missing", message: `${label} is being deleted: name another one` };
    return { kind: "there", value: { live, parsed: parseObject(kind, live, { name: `${name.namespace}/${name.name}` }) } };
  });
}

/** Whether the Secret exists: what it holds is for the runs to read. @throws ClusterUnavailableError when there is no answer */
export async function findSecret(name: ObjectName, { cluster }: World): Promise<Found<ObjectName>> {
  const label = `Secret "${name.namespace}/${name.name}"`;
  return findOut(label, async () => {
    try {
      await cluster.secret(name);
      return { kind: "there", value: name };
    } catch (error) {
      if (!(error instanceof ParameterError) || error.reason !== "ObjectNotFound") throw error;
      return { kind: "missing", message: `${label} is not there: create it with RESTIC_PASSWORD and the store's credentials` };
    }
  });
}

/** A plain no, and an object that is not valid, are facts about the world; no answer is none. */
async function findOut<T>(label: string, look: () => Promise<Found<T>>): Promise<Found<T>> {
  try {
    return await look();
  } catch (error) {
    if (error instanceof ParameterError || error instanceof ClusterRefusedError)
      return { kind: "unknown", message: `Cannot check ${label}: ${sentence(error)}` };
    throw error;
  }
}
