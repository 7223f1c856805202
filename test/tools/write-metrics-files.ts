// Writes the tables of series into runner/metrics/README.md, and the alert rules as a PrometheusRule beside the plain file.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { HOLDFAST_SERIES } from "../../runner/metrics/holdfast-series.ts";
import { LABELS, type Series } from "../../runner/metrics/series.ts";
import { STASH_SERIES } from "../../runner/metrics/stash-series.ts";

const root = join(import.meta.dirname, "../..");

export const files = {
  readme: join(root, "runner/metrics/README.md"),
  rules: join(root, "deploy/alerts/holdfast.rules.yaml"),
  prometheusRule: join(root, "deploy/alerts/holdfast.prometheusrule.yaml"),
  operatorRules: join(root, "deploy/alerts/holdfast-operator.rules.yaml"),
  operatorPrometheusRule: join(root, "deploy/alerts/holdfast-operator.prometheusrule.yaml"),
};

/** runner/metrics/README.md as it should be. */
export function metricsReadmeWithTables(readme: string): string {
  const tables = { labels: labelsTable(), holdfast: seriesTable(HOLDFAST_SERIES), stash: seriesTable(STASH_SERIES) };
  return Object.entries(tables).reduce(
    (text, [name, table]) =>
      text.replace(new RegExp(`<!-- ${name} -->[\\s\\S]*<!-- /${name} -->`), () => `<!-- ${name} -->\n${table}<!-- /${name} -->`),
    readme,
  );
}

/** The plain rule file as the object that the Prometheus operator reads. */
export function prometheusRuleOf(rules: string, name = "holdfast"): string {
  const object = {
    apiVersion: "monitoring.coreos.com/v1",
    kind: "PrometheusRule",
    metadata: { name, labels: { "app.kubernetes.io/name": "holdfast" } },
    spec: parse(rules) as unknown,
  };
  return `# Made from ${name}.rules.yaml by "make readme": change that file.\n${stringify(object, { lineWidth: 140 })}`;
}

function labelsTable(): string {
  const rows = Object.entries(LABELS).map(([name, labels]) => `| ${name} | ${labels} |\n`);
  return `| word | labels |\n| --- | --- |\n${rows.join("")}`;
}

function seriesTable(series: Readonly<Record<string, Series>>): string {
  const rows = Object.values(series).map(({ name, legacyName, help, unit, labels, by, when }) => {
    const names = [name, ...(legacyName === undefined ? [] : [legacyName])].map((each) => `\`${each}\``).join("<br>");
    return `| ${names} | ${help} | ${unit} | ${labels} | ${by} | ${when} |\n`;
  });
  return `| series | what it says | unit | labels | pushed by | when |\n| --- | --- | --- | --- | --- | --- |\n${rows.join("")}`;
}

if (process.argv[1] === import.meta.filename) {
  writeFileSync(files.readme, metricsReadmeWithTables(readFileSync(files.readme, "utf8")));
  writeFileSync(files.prometheusRule, prometheusRuleOf(readFileSync(files.rules, "utf8")));
  writeFileSync(files.operatorPrometheusRule, prometheusRuleOf(readFileSync(files.operatorRules, "utf8"), "holdfast-operator"));
}
