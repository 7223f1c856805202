import { ParameterError } from "../errors.ts";
import { decodeBase64 } from "./decode-base64.ts";
import type { ObjectOf } from "./parse-object.ts";

/** The values of a Secret; `stringData` wins over `data`. @throws ParameterError naming the key, never the value */
export function decodeSecret(secret: ObjectOf<"Secret">): ReadonlyMap<string, Uint8Array> {
  const { namespace, name } = secret.metadata;
  const values = new Map<string, Uint8Array>();
  for (const [key, text] of Object.entries(secret.data ?? {})) {
    const bytes = decodeBase64(text);
    if (bytes === undefined) {
      throw new ParameterError(`Secret "${namespace}/${name}" is not valid: data.${key} is not base64`, {
        hint: "Encode the value, or put it as it is under stringData",
      });
    }
    values.set(key, bytes);
  }
  for (const [key, text] of Object.entries(secret.stringData ?? {})) values.set(key, Buffer.from(text, "utf8"));
  return values;
}
