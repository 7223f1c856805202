/** What a backup or a restore asks for, narrow ones first: a hint names the narrowest that would do. */
const NARROW_FIRST = [
  "monitor",
  "view_index_metadata",
  "read",
  "maintenance",
  "read_pipeline",
  "read_ilm",
  "index",
  "write",
  "create_index",
  "delete_index",
  "manage_index_templates",
  "manage_ingest_pipelines",
  "manage_pipeline",
  "manage_ilm",
  "manage_enrich",
  "manage",
];

/** The right that a refusal says is missing, as an advice; undefined when it does not say. Reads the words of both servers' security modules. */
export function explainRights(reason: string): string | undefined {
  // Elasticsearch: action [indices:data/read/search] is unauthorized for user [u] … this action is granted by the index privileges [read,all]
  const granted = /granted by the (cluster|index) privileges \[([^\]]*)\]/.exec(reason);
  if (granted !== null) {
    const [, kind, list] = granted as unknown as [string, string, string];
    const names = list.split(",").map((name) => name.trim());
    const right = NARROW_FIRST.find((name) => names.includes(name)) ?? names[0];
    const where = /on (?:restricted )?indices \[([^\]]{1,200})\]/.exec(reason)?.[1];
    return `Give the user the ${kind} privilege "${right}"${kind === "index" && where !== undefined ? ` on ${where}` : ""}`;
  }
  // OpenSearch: no permissions for [indices:data/read/search] and User [name=u, …]
  const actions = /no permissions for \[([^\]]{1,300})\]/.exec(reason)?.[1];
  return actions === undefined ? undefined : `Give the user the permission "${actions}"`;
}
