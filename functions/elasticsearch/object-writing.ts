import type { SearchServer } from "./inspect-server.ts";
import type { JsonObject, ObjectKind } from "./restore-plan.ts";
import { isObject } from "./same-json.ts";
import { pathOf } from "./transport.ts";

export interface ObjectWriting {
  /** For messages: "index template". */
  readonly label: string;
  /** Where one is put. */
  path(name: string): string;
  /** The body as this target takes it; as it stands, when absent. */
  adapt?(body: JsonObject, server: Pick<SearchServer, "flavour">): JsonObject;
}

/** How objects of the cluster are put, each under its name; the bodies are those of the catalog. */
export const OBJECT_WRITING: Readonly<Record<ObjectKind, ObjectWriting>> = {
  storedScripts: { label: "script", path: (name) => pathOf("_scripts", name) },
  ingestPipelines: { label: "ingest pipeline", path: (name) => pathOf("_ingest", "pipeline", name) },
  searchPipelines: { label: "search pipeline", path: (name) => pathOf("_search", "pipeline", name) },
  ilmPolicies: { label: "lifecycle policy", path: (name) => pathOf("_ilm", "policy", name) },
  ismPolicies: { label: "index state policy", path: (name) => pathOf("_plugins", "_ism", "policies", name) },
  componentTemplates: { label: "component template", path: (name) => pathOf("_component_template", name) },
  indexTemplates: { label: "index template", path: (name) => pathOf("_index_template", name), adapt: adaptIndexTemplate },
  legacyTemplates: { label: "legacy template", path: (name) => pathOf("_template", name) },
  enrichPolicies: { label: "enrich policy", path: (name) => pathOf("_enrich", "policy", name) },
};

/** Each flavour tells of data streams in templates what the other does not know; left out where it says what is so anyway. */
function adaptIndexTemplate(body: JsonObject, { flavour }: Pick<SearchServer, "flavour">): JsonObject {
  const { data_stream: stream, ...rest } = body;
  if (!isObject(stream)) return body;
  const isForeign = (key: string, value: unknown) =>
    flavour === "opensearch"
      ? key !== "timestamp_field" && String(value) === "false"
      : key === "timestamp_field" && isObject(value) && value.name === "@timestamp";
  return { ...rest, data_stream: Object.fromEntries(Object.entries(stream).filter(([key, value]) => !isForeign(key, value))) };
}
