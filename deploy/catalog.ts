import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { functions } from "../functions/index.ts";
import { type StashObject, stashObjects } from "../runner/stash-manifests.ts";
import { IMAGE } from "./names.ts";
import { containerSecurity, podSecurity } from "./pod-security.ts";

const FUNCTIONS = join(import.meta.dirname, "../functions");

/** Every Function and Task: ours as they stand beside the functions, and the same work under Stash's names. */
export function catalogObjects(): readonly object[] {
  return [...ownObjects(), ...stashNamedObjects()];
}

function ownObjects(): readonly object[] {
  const engines = readdirSync(FUNCTIONS, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const files = engines.flatMap(({ name }) => ["function.yaml", "task.yaml"].map((file) => join(FUNCTIONS, name, file)));
  return files.flatMap((file) => parseAllDocuments(readFileSync(file, "utf8")).map((document) => document.toJS() as object));
}

/** Metrics go where the operator is told, by the one variable that it gives to every Job. */
function stashNamedObjects(): readonly object[] {
  const commands = functions.flatMap(({ stash }) => stash ?? []);
  return stashObjects(commands, { image: IMAGE, gateway: `\${PROMETHEUS_PUSHGATEWAY_URL:=}` }).map(restricted);
}

/** Stash's own containers run as they like; ours can run in a namespace that takes restricted pods alone. */
function restricted(object: StashObject): object {
  if (object.kind !== "Function") return object;
  const securityContext = { ...podSecurity(), ...containerSecurity() };
  return { ...object, spec: { ...object.spec, runtimeSettings: { securityContext } } };
}
