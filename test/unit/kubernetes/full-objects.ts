import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import type { ObjectKind } from "../../../runner/kubernetes/parse-object.ts";

const folder = join(import.meta.dirname, "../../fixtures/kubernetes");

export interface FullObject {
  readonly kind: ObjectKind;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly spec: Readonly<Record<string, unknown>>;
  readonly status?: Readonly<Record<string, unknown>>;
}

/** One object of each kind, with every field that there is. */
export const fullObjects = readdirSync(folder).map((name) => {
  const object = parse(readFileSync(join(folder, name), "utf8")) as FullObject;
  return { ...object, metadata: { namespace: "shop", ...object.metadata } };
});
