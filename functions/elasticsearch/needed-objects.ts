import type { ClusterCatalog, IndexEntry } from "./catalog.ts";
import { objectKey } from "./plan-objects.ts";
import { isObject } from "./same-json.ts";

/** What some indices cannot do without: templates of their data streams, and the pipelines and policies that their settings name. */
export function neededObjects(catalog: ClusterCatalog, entries: readonly IndexEntry[]): ReadonlySet<string> {
  const needed = new Set<string>();
  const addPipeline = (name: unknown): void => {
    if (typeof name !== "string" || !Object.hasOwn(catalog.ingestPipelines, name)) return;
    const key = objectKey("ingestPipelines", name);
    if (needed.has(key)) return;
    needed.add(key);
    for (const inner of pipelinesNamedIn(catalog.ingestPipelines[name])) addPipeline(inner);
  };
  const streams = new Set<string>();
  for (const { settings, dataStream } of entries) {
    addPipeline(settings["index.default_pipeline"]);
    addPipeline(settings["index.final_pipeline"]);
    needed.add(objectKey("searchPipelines", String(settings["index.search.default_pipeline"])));
    needed.add(objectKey("ilmPolicies", String(settings["index.lifecycle.name"])));
    if (dataStream !== undefined) streams.add(dataStream);
  }
  for (const stream of streams) {
    const name = catalog.dataStreams[stream]?.template ?? "";
    const template = catalog.indexTemplates[name];
    needed.add(objectKey("indexTemplates", name));
    const components = Array.isArray(template?.composed_of) ? (template.composed_of as unknown[]) : [];
    for (const component of components) needed.add(objectKey("componentTemplates", String(component)));
    for (const part of [template, ...components.map((component) => catalog.componentTemplates[String(component)])])
      for (const pipeline of pipelinesOfTemplate(part)) addPipeline(pipeline);
  }
  return needed;
}

function pipelinesNamedIn(value: unknown): unknown[] {
  if (Array.isArray(value)) return value.flatMap(pipelinesNamedIn);
  if (!isObject(value)) return [];
  const here = isObject(value.pipeline) ? [value.pipeline.name] : [];
  return [...here, ...Object.values(value).flatMap(pipelinesNamedIn)];
}

function pipelinesOfTemplate(template: unknown): unknown[] {
  const settings = isObject(template) && isObject(template.template) ? template.template.settings : undefined;
  const index = isObject(settings) ? settings.index : undefined;
  return isObject(index) ? [index.default_pipeline, index.final_pipeline] : [];
}
