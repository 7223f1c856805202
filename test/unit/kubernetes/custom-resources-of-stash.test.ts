import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { type CustomResourceDefinition, customResourceDefinitions } from "../../../runner/kubernetes/custom-resources.ts";
import type { StructuralSchema } from "../../../runner/kubernetes/structural-schema.ts";

// Stash's own definitions, where there are some beside the checkout.
const folder = join(import.meta.dirname, "../../../../shared/crds");
const files = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(".yaml")) : [];
const theirs = files.map((name) => parse(readFileSync(join(folder, name), "utf8")) as CustomResourceDefinition);
const ours = new Map(customResourceDefinitions().map((each) => [each.metadata.name, each]));

test("there is a definition for every kind of Stash that lives in a cluster", () => {
  const missing = theirs.map((each) => each.metadata.name).filter((name) => !ours.has(name));

  // Snapshots are served by a server of Stash's own.
  expect(missing).toEqual(theirs.length === 0 ? [] : ["snapshots.repositories.stash.appscode.com"]);
});

// A name that is missing stays missing, and of words that mean something only those are taken.
const known = [
  /\.(secretRef|imagePullSecrets\[\])\.name: default undefined instead of $/,
  /\.executionOrder: other values$/,
  /\.operator: other values$/,
];

test("no schema refuses, drops or fills in what Stash's would not", () => {
  const differences = theirs.flatMap((each) => {
    const own = ours.get(each.metadata.name);
    return own === undefined ? [] : compare(schemaOf(own), schemaOf(each), each.spec.names.kind);
  });

  expect(differences.filter((each) => !known.some((pattern) => pattern.test(each)))).toEqual([]);
});

function schemaOf(definition: CustomResourceDefinition): StructuralSchema {
  return definition.spec.versions[0].schema.openAPIV3Schema;
}

function compare(own: StructuralSchema, their: StructuralSchema, path: string): string[] {
  const found: string[] = [];
  const say = (what: string) => found.push(`${path}: ${what}`);
  for (const key of ["type", "x-kubernetes-int-or-string", "x-kubernetes-embedded-resource"] as const) {
    if (own[key] !== their[key]) say(`${key} ${own[key]} instead of ${their[key]}`);
  }
  if (own.format !== undefined && own.format !== their.format) say(`format ${own.format} instead of ${their.format}`);
  if (own.enum !== undefined && String(own.enum.toSorted()) !== String(their.enum?.toSorted())) say("other values");
  const keepsAll = own["x-kubernetes-preserve-unknown-fields"] === true;
  const needed = own.required?.filter((name) => their.required?.includes(name) !== true) ?? [];
  for (const name of needed) say(`needs ${name}`);
  if (JSON.stringify(own.default) !== JSON.stringify(their.default)) say(`default ${own.default} instead of ${their.default}`);
  if (own.items !== undefined && their.items !== undefined) found.push(...compare(own.items, their.items, `${path}[]`));
  if (own.additionalProperties !== undefined)
    found.push(...compare(own.additionalProperties, their.additionalProperties ?? {}, `${path}.*`));
  for (const [name, member] of Object.entries(their.properties ?? {})) {
    const same = own.properties?.[name];
    if (same !== undefined) found.push(...compare(same, member, `${path}.${name}`));
    else if (!keepsAll) say(`drops ${name}`);
  }
  return found;
}
