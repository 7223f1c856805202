// feature: a part of the server, of Kibana or of a plugin that keeps its own data in indices. They come with their feature and fit its version alone.

// For servers that do not tell, and for what they do not call theirs: histories, caches, what plugins keep. All other hidden indices are the user's.
const FEATURES: readonly (readonly [RegExp, string])[] = [
  [/^\.security([-_.]|$)|^\.opendistro_security$|^searchguard$|^\.searchguard([-_.]|$)/, "security: users, roles and keys are not carried"],
  [/^\.(kibana|opensearch_dashboards)([-_.]|$)/, "Kibana or Dashboards: export its saved objects there"],
  [/^\.(reporting|apm-agent-configuration|apm-custom-link|apm-source-map|management-beats)([-_.]|$)/, "Kibana"],
  [/^\.(tasks|async-search|snapshot-blob-cache|geoip_databases)([-_.]|$)/, "the server's own work in progress and caches"],
  [/^\.(watches|triggered_watches|watch-history|watcher-history)([-_.]|$)/, "Watcher"],
  [/^\.(ml|data-frame|transform)-/, "machine learning and transforms"],
  [
    /^\.(fleet|agent|logstash|ent-search|app-search|workplace-search|elastic-connectors|elastic-analytics|search-app)([-_.]|$)/,
    "Elastic's own products",
  ],
  [/^\.(enrich)-/, "enrich: made anew when its policy is executed"],
  [/^\.(monitoring|deprecation|slm-history|ilm-history)([-_.]|$)|^\.(logs|logs-elasticsearch)[-.]deprecation/, "the server's own history"],
  [/^\.(synonyms|query-rules|inference|secrets-inference|chat|conversation|workflows|integration_knowledge)([-_.]|$)/, "search features"],
  [/^\.(opendistro|opensearch|plugins)[-_]/, "a plugin of OpenSearch"],
  [
    /^\.(replication-metadata-store|ql-datasources|ltrstore|signals)([-_.]|$)|^\.(geospatial|scheduler|async-query)-/,
    "a plugin of OpenSearch",
  ],
];

// Without a dot, but the server hides them.
const HIDDEN_HISTORIES = /^(ilm|slm)-history-\d/;

/** Which feature a name belongs to, with what is to be said of it; undefined for the user's own. `isHidden`: as of the index or data stream. */
export function featureOf(name: string, isHidden: boolean): string | undefined {
  if (isHidden && HIDDEN_HISTORIES.test(name)) return "the server's own history";
  return FEATURES.find(([pattern]) => pattern.test(name))?.[1];
}
