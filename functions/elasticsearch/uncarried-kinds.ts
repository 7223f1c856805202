// Objects of the cluster that this release does not carry: how their names are asked for, so that a report can say what is missing.
import * as z from "zod";
import type { SearchServer } from "./inspect-server.ts";
import type { SearchRequest } from "./transport.ts";

export interface UncarriedKind {
  /** "transform": objects are named "transform:daily". */
  readonly name: string;
  /** For a sentence: "transforms". */
  readonly plural: string;
  readonly request: Pick<SearchRequest, "path" | "query" | "body">;
  readonly flavour?: SearchServer["flavour"];
  /** @throws ZodError when the answer is not understood */
  read(answer: unknown): { readonly names: readonly string[]; readonly total?: number | undefined };
}

const MOST_NAMES = 1_000;
const page = { size: MOST_NAMES };
const keyed = z.record(z.string(), z.unknown());
const keys = (answer: unknown) => ({ names: Object.keys(keyed.parse(answer)) });

/** Names out of a list of objects, with the number that the server counts, which may be more than it gives. */
function members(list: string, name: string, count = "count"): UncarriedKind["read"] {
  const schema = z.looseObject({ [list]: z.array(z.looseObject({ [name]: z.string() })) });
  return (answer) => {
    const parsed = schema.parse(answer);
    const objects = z.array(keyed).parse(parsed[list]);
    return { names: objects.map((object) => String(object[name])), total: z.int().optional().parse(parsed[count]) };
  };
}

export const UNCARRIED_KINDS: readonly UncarriedKind[] = [
  {
    name: "cluster-setting",
    plural: "persistent cluster settings",
    request: { path: "/_cluster/settings", query: { flat_settings: true } },
    read: (answer) => keys(z.object({ persistent: keyed }).parse(answer).persistent),
  },
  { name: "repository", plural: "snapshot repositories", request: { path: "/_snapshot" }, read: keys },
  {
    name: "transform",
    plural: "transforms",
    request: { path: "/_transform", query: page },
    flavour: "elasticsearch",
    read: members("transforms", "id"),
  },
  {
    name: "watch",
    plural: "watches",
    request: { path: "/_watcher/_query/watches", body: page },
    flavour: "elasticsearch",
    read: members("watches", "_id"),
  },
  {
    name: "snapshot-policy",
    plural: "snapshot lifecycle policies",
    request: { path: "/_slm/policy" },
    flavour: "elasticsearch",
    read: keys,
  },
  { name: "rollup", plural: "rollup jobs", request: { path: "/_rollup/job/_all" }, flavour: "elasticsearch", read: readRollups },
  {
    name: "synonyms",
    plural: "synonyms sets",
    request: { path: "/_synonyms", query: page },
    flavour: "elasticsearch",
    read: members("results", "synonyms_set"),
  },
  {
    name: "query-rules",
    plural: "query rules",
    request: { path: "/_query_rules", query: page },
    flavour: "elasticsearch",
    read: members("results", "ruleset_id"),
  },
  {
    name: "inference",
    plural: "inference endpoints",
    request: { path: "/_inference/_all" },
    flavour: "elasticsearch",
    read: readInference,
  },
  {
    name: "anomaly-detector",
    plural: "anomaly detection jobs",
    request: { path: "/_ml/anomaly_detectors" },
    flavour: "elasticsearch",
    read: members("jobs", "job_id"),
  },
  {
    name: "data-frame-analytics",
    plural: "data frame analytics jobs",
    request: { path: "/_ml/data_frame/analytics", query: page },
    flavour: "elasticsearch",
    read: members("data_frame_analytics", "id"),
  },
  {
    name: "trained-model",
    plural: "trained models",
    request: { path: "/_ml/trained_models", query: page },
    flavour: "elasticsearch",
    read: readModels,
  },
  {
    name: "auto-follow",
    plural: "auto-follow patterns",
    request: { path: "/_ccr/auto_follow" },
    flavour: "elasticsearch",
    read: members("patterns", "name"),
  },
  {
    name: "logstash-pipeline",
    plural: "Logstash pipelines",
    request: { path: "/_logstash/pipeline" },
    flavour: "elasticsearch",
    read: keys,
  },
  {
    name: "search-application",
    plural: "search applications",
    request: { path: "/_application/search_application", query: page },
    flavour: "elasticsearch",
    read: members("results", "name"),
  },
  {
    name: "transform",
    plural: "transforms",
    request: { path: "/_plugins/_transform", query: page },
    flavour: "opensearch",
    read: members("transforms", "_id", "total_transforms"),
  },
  {
    name: "rollup",
    plural: "rollup jobs",
    request: { path: "/_plugins/_rollup/jobs", query: page },
    flavour: "opensearch",
    read: members("rollups", "_id", "total_rollups"),
  },
  {
    name: "snapshot-policy",
    plural: "snapshot policies",
    request: { path: "/_plugins/_sm/policies", query: page },
    flavour: "opensearch",
    read: members("policies", "_id", "total_policies"),
  },
  {
    name: "view",
    plural: "views",
    request: { path: "/_cluster/state/metadata", query: { filter_path: "cluster_uuid,metadata.view" } },
    flavour: "opensearch",
    read: readViews,
  },
];

/** OpenSearch 3; they have no list of their own that gives no indices. */
function readViews(answer: unknown) {
  const { metadata } = z.object({ metadata: z.object({ view: z.object({ view: keyed }) }).optional() }).parse(answer);
  return { names: Object.keys(metadata?.view.view ?? {}) };
}

function readRollups(answer: unknown) {
  const { jobs } = z.object({ jobs: z.array(z.object({ config: z.object({ id: z.string() }) })) }).parse(answer);
  return { names: jobs.map(({ config }) => config.id) };
}

/** Those with a leading dot come with the server. */
function readInference(answer: unknown) {
  const { endpoints } = z.object({ endpoints: z.array(z.object({ inference_id: z.string() })) }).parse(answer);
  return { names: endpoints.map((endpoint) => endpoint.inference_id).filter((name) => !name.startsWith(".")) };
}

/** Without the one that comes with the server. */
function readModels(answer: unknown) {
  const schema = z.object({
    count: z.int(),
    trained_model_configs: z.array(z.object({ model_id: z.string(), created_by: z.string().optional() })),
  });
  const { count, trained_model_configs: models } = schema.parse(answer);
  const own = models.filter(({ created_by }) => created_by !== "_xpack");
  return { names: own.map(({ model_id }) => model_id), total: count - (models.length - own.length) };
}
