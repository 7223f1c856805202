import { ParameterError } from "../errors.ts";
import type { AppBinding, Cluster, ClusterOptions } from "./cluster.ts";
import { decodeBase64 } from "./decode-base64.ts";

type Values = ReadonlyMap<string, Uint8Array>;
type SecretTransform = NonNullable<AppBinding["spec"]["secretTransforms"]>[number];

const members = ["renameKey", "addKey", "addKeysFrom", "removeKey"] as const;

/** A copy of the Secret's values with the AppBinding's `secretTransforms` applied in order. @throws ParameterError naming the transform, never a value */
export async function applySecretTransforms(
  cluster: Cluster,
  appBinding: AppBinding,
  options: ClusterOptions & { readonly values: Values },
): Promise<Values> {
  const { namespace, name } = appBinding.metadata;
  let values = options.values;
  for (const [index, transform] of (appBinding.spec.secretTransforms ?? []).entries()) {
    const origin = `AppBinding "${namespace}/${name}": spec.secretTransforms[${index}]`;
    const set = members.filter((member) => transform[member] !== undefined);
    if (set.length !== 1) throw invalid(origin, `expected exactly one of ${members.join(", ")}`);
    const secretName = transform.addKeysFrom?.secretRef.name;
    const added = secretName === undefined ? undefined : await cluster.secret({ namespace, name: secretName }, options);
    values = added === undefined ? applyTransform(values, transform, origin) : new Map([...values, ...added]);
  }
  return values;
}

function applyTransform(values: Values, { renameKey, addKey, removeKey }: SecretTransform, origin: string): Values {
  const changed = new Map(values);
  if (removeKey !== undefined) changed.delete(removeKey.key);
  if (addKey !== undefined) changed.set(addKey.key, valueToAdd(addKey, origin));
  const renamed = renameKey === undefined ? undefined : changed.get(renameKey.from);
  if (renameKey !== undefined && renamed !== undefined) {
    changed.delete(renameKey.from);
    changed.set(renameKey.to, renamed);
  }
  return changed;
}

function valueToAdd({ stringValue, value }: NonNullable<SecretTransform["addKey"]>, origin: string): Uint8Array {
  if (stringValue !== undefined) return Buffer.from(stringValue, "utf8");
  if (value === undefined) throw invalid(`${origin}.addKey`, "expected value or stringValue");
  const bytes = decodeBase64(value);
  if (bytes === undefined) throw invalid(`${origin}.addKey.value`, "expected base64");
  return bytes;
}

function invalid(origin: string, expected: string): ParameterError {
  return new ParameterError(`${origin}: ${expected}`, { hint: "Correct the object and run again" });
}
