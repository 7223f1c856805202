import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { OperatorMetrics } from "../../../operator/serve/operator-metrics.ts";
import { files, prometheusRuleOf } from "../../tools/write-metrics-files.ts";

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly runbook_url: string };
}

const text = readFileSync(files.operatorRules, "utf8");
const alerts = (parse(text) as { groups: { rules: Rule[] }[] }).groups.flatMap(({ rules }) => rules);

test("the PrometheusRule of the operator is the same as the plain file (make readme writes it)", () => {
  expect(readFileSync(files.operatorPrometheusRule, "utf8")).toBe(prometheusRuleOf(text, "holdfast-operator"));
});

test("each alert on the operator has a severity and a place to read what to do", () => {
  const readme = readFileSync(join(files.operatorRules, "../README.md"), "utf8");

  expect(alerts.length).toBeGreaterThan(0);
  for (const { alert, labels, annotations } of alerts) {
    expect(["critical", "warning"]).toContain(labels.severity);
    expect(annotations.runbook_url).toBe(`deploy/alerts/README.md#${alert.toLowerCase()}`);
    expect(readme).toContain(`\n## ${alert}\n`);
  }
});

test("the alerts speak only of series that the operator has", async () => {
  const metrics = new OperatorMetrics({
    queueDepths: () => new Map(),
    watches: () => new Map(),
    cachedObjects: () => new Map(),
    isLeader: () => true,
    backupConfigurations: () => [],
    cronJobOf: () => undefined,
  });
  const { body } = await metrics.text();

  const used = alerts.flatMap(({ expr }) => expr.match(/\bholdfast_operator_\w+/g) ?? []);

  expect(used.length).toBeGreaterThan(0);
  for (const name of used) expect(body).toContain(`\n# TYPE ${name} `);
});
