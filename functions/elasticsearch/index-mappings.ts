import type { IndexEntry } from "./catalog.ts";
import type { JsonObject } from "./restore-plan.ts";
import { isObject } from "./same-json.ts";

/** What a mapping may hold at its top. Anything else there is a type of Elasticsearch 6. */
const TOP_KEYS = new Set(["properties", "dynamic", "dynamic_templates", "dynamic_date_formats", "date_detection", "numeric_detection"]);
for (const key of ["runtime", "derived", "enabled", "subobjects", "include_in_all"]) TOP_KEYS.add(key);

const TYPES_ENDED = 7_000_000;

/** The mappings as every server takes them: without the type of old indices, and without what a data stream adds by itself. */
export function writableMappings({ mappings, settings }: Pick<IndexEntry, "mappings" | "settings">): JsonObject {
  const { _data_stream_timestamp: _, _all, ...rest } = withoutType(mappings, Number(settings["index.version.created"]) < TYPES_ENDED);
  return rest;
}

function withoutType(mappings: JsonObject, isOld: boolean): JsonObject {
  const [[name, content] = [undefined, undefined], ...others] = Object.entries(mappings);
  if (name === undefined || others.length > 0 || !isObject(content)) return mappings;
  return name === "_doc" || (isOld && !TOP_KEYS.has(name) && !name.startsWith("_")) ? content : mappings;
}
