// Objects of the cluster that are carried: how each kind is asked for, and how an answer becomes what the same API takes back.
import * as z from "zod";
import type { ClusterCatalog } from "./catalog.ts";
import type { SearchServer } from "./inspect-server.ts";

type Body = Record<string, unknown>;
export type Objects = Record<string, Body>;

export interface ObjectKind {
  readonly kind: Exclude<keyof ClusterCatalog, "dataStreams" | "dataStreamAliases">;
  /** In reports: "index-template:logs". */
  readonly name: string;
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** Since when each flavour has it; one that is absent never had. */
  readonly since: Partial<Readonly<Record<SearchServer["flavour"], string>>>;
  /** Part of a module or plugin that an installation may do without. */
  readonly isOptional?: true;
  /** For the person who lacks it: "the cluster privilege … (OpenSearch: …)". */
  readonly right: string;
  /** @throws ZodError when the answer is not understood */
  read(answer: unknown): Objects;
  /** Objects in a page, for APIs that give no more unless asked; the answer's `total` must be reached. */
  readonly page?: { readonly size: number; total(answer: unknown): number };
}

const body = z.record(z.string(), z.unknown());
// The name is lost without a word wherever objects are copied by their names, in zod first of all.
const byName = z
  .unknown()
  .refine((objects) => typeof objects !== "object" || objects === null || !Object.hasOwn(objects, "__proto__"), {
    message: 'No object may be called "__proto__"',
  })
  .pipe(z.record(z.string(), body));
const listOf = (member: string, field: string) => z.object({ [member]: z.array(z.looseObject({ name: z.string(), [field]: body })) });

// The server writes these itself and refuses or ignores them in what is put.
const DATES = ["created_date", "created_date_millis", "modified_date", "modified_date_millis"];

export const OBJECT_KINDS: readonly ObjectKind[] = [
  {
    kind: "componentTemplates",
    name: "component-template",
    since: { elasticsearch: "7.8", opensearch: "1.0" },
    path: "/_component_template",
    right: "the cluster privilege manage_index_templates, or monitor in newer versions (OpenSearch: cluster:admin/component_template/get)",
    read: (answer) => readList(answer, "component_templates", "component_template"),
  },
  {
    kind: "indexTemplates",
    name: "index-template",
    since: { elasticsearch: "7.8", opensearch: "1.0" },
    path: "/_index_template",
    right: "the cluster privilege manage_index_templates, or monitor in newer versions (OpenSearch: indices:admin/index_template/get)",
    read: (answer) => readList(answer, "index_templates", "index_template"),
  },
  {
    kind: "legacyTemplates",
    name: "template",
    since: { elasticsearch: "5.0", opensearch: "1.0" },
    path: "/_template",
    right: "the cluster privilege monitor (OpenSearch: indices:admin/template/get)",
    read: (answer) => byName.parse(answer),
  },
  {
    kind: "ingestPipelines",
    name: "ingest-pipeline",
    since: { elasticsearch: "5.0", opensearch: "1.0" },
    path: "/_ingest/pipeline",
    right: "the cluster privilege read_pipeline, or manage_ingest_pipelines (OpenSearch: cluster:admin/ingest/pipeline/get)",
    read: (answer) => mapObjects(byName.parse(answer), (pipeline) => without(pipeline, DATES)),
  },
  {
    kind: "searchPipelines",
    name: "search-pipeline",
    since: { opensearch: "2.8" },
    path: "/_search/pipeline",
    right: "the permission cluster:admin/search/pipeline/get",
    read: (answer) => byName.parse(answer),
  },
  {
    kind: "ilmPolicies",
    name: "lifecycle-policy",
    since: { elasticsearch: "6.6" },
    isOptional: true,
    path: "/_ilm/policy",
    right: "the cluster privilege read_ilm",
    read: (answer) => mapObjects(z.record(z.string(), z.looseObject({ policy: body })).parse(answer), ({ policy }) => ({ policy })),
  },
  {
    kind: "ismPolicies",
    name: "index-state-policy",
    since: { opensearch: "1.0" },
    isOptional: true,
    path: "/_plugins/_ism/policies",
    right: "the permission cluster:admin/opendistro/ism/policy/search",
    read: readIsmPolicies,
    page: { size: 500, total: (answer) => z.object({ total_policies: z.int() }).parse(answer).total_policies },
  },
  {
    kind: "enrichPolicies",
    name: "enrich-policy",
    since: { elasticsearch: "7.5" },
    isOptional: true,
    path: "/_enrich/policy",
    right: "the cluster privilege monitor_enrich or manage_enrich",
    read: readEnrichPolicies,
  },
  {
    kind: "storedScripts",
    name: "script",
    since: { elasticsearch: "5.0", opensearch: "1.0" },
    path: "/_cluster/state/metadata",
    query: { filter_path: "cluster_uuid,metadata.stored_scripts" },
    right: "the cluster privilege monitor (OpenSearch: cluster_monitor)",
    read: readStoredScripts,
  },
];

function readList(answer: unknown, member: string, field: string): Objects {
  const list = listOf(member, field).parse(answer)[member] ?? [];
  return Object.fromEntries(list.map((each) => [each.name, without(body.parse(each[field]), DATES)]));
}

/** A page of them. What the policy was made from and when is left, its version too: they are the server's. */
function readIsmPolicies(answer: unknown): Objects {
  const { policies } = z.object({ policies: z.array(z.object({ _id: z.string(), policy: body })) }).parse(answer);
  return Object.fromEntries(
    policies.map(({ _id, policy }) => {
      const { ism_template: templates, ...rest } = without(policy, ["policy_id", "last_updated_time", "schema_version", "user"]);
      const bare = Array.isArray(templates) ? templates.map((template) => without(body.parse(template), ["last_updated_time"])) : templates;
      return [_id, { policy: bare === undefined || bare === null ? rest : { ...rest, ism_template: bare } }];
    }),
  );
}

function readEnrichPolicies(answer: unknown): Objects {
  const { policies } = z
    .object({ policies: z.array(z.object({ config: z.record(z.string(), z.looseObject({ name: z.string() })) })) })
    .parse(answer);
  return Object.fromEntries(
    policies.map(({ config }) => {
      const [[type, policy]] = z.tuple([z.tuple([z.string(), z.looseObject({ name: z.string() })])]).parse(Object.entries(config));
      return [policy.name, { [type]: without(policy, ["name", "elasticsearch_version"]) }];
    }),
  );
}

function readStoredScripts(answer: unknown): Objects {
  const { metadata } = z
    .object({ cluster_uuid: z.string(), metadata: z.object({ stored_scripts: byName.optional() }).optional() })
    .parse(answer);
  return mapObjects(metadata?.stored_scripts ?? {}, (script) => ({ script }));
}

function mapObjects<T>(objects: Readonly<Record<string, T>>, change: (object: T) => Body): Objects {
  return Object.fromEntries(Object.entries(objects).map(([name, object]) => [name, change(object)]));
}

function without(object: Readonly<Body>, keys: readonly string[]): Body {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key)));
}
