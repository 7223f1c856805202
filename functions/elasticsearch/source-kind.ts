import type { IndexEntry } from "./catalog.ts";

type Kind = IndexEntry["source"];

/** How an index keeps its documents' source, by its flat settings and its mappings; of several answers the one that promises least. */
export function sourceKind(settings: Readonly<Record<string, unknown>>, mappings: Readonly<Record<string, unknown>>): Kind {
  const source = asObject(mappings._source);
  const mode = settings["index.mapping.source.mode"] ?? source.mode;
  if (source.enabled === false || source.enabled === "false" || mode === "disabled" || source.mode === "disabled") return "off";
  if (isListed(source.includes) || isListed(source.excludes)) return "filtered";
  if (mode === "synthetic") return "synthetic";
  // Rebuilt from the fields' own stores (OpenSearch).
  if (settings["index.derived_source.enabled"] === "true") return "synthetic";
  // These are synthetic unless something says otherwise. Without the licence for it, the server itself writes "stored" into the settings.
  const isSyntheticByMode = settings["index.mode"] === "logsdb" || settings["index.mode"] === "time_series";
  return isSyntheticByMode && mode !== "stored" ? "synthetic" : "stored";
}

function isListed(names: unknown): boolean {
  return Array.isArray(names) ? names.length > 0 : typeof names === "string";
}

function asObject(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
