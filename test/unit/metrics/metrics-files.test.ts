import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { ALL_SERIES } from "../../../runner/metrics/metrics.ts";
import { files, metricsReadmeWithTables, prometheusRuleOf } from "../../tools/write-metrics-files.ts";

interface Rule {
  readonly alert?: string;
  readonly expr: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

const rulesText = readFileSync(files.rules, "utf8");
const rules = (parse(rulesText) as { groups: { rules: Rule[] }[] }).groups.flatMap((group) => group.rules);
const alerts = rules.filter(({ alert }) => alert !== undefined);

test("the tables of series in the README are the ones the program has (make readme writes them)", () => {
  const readme = readFileSync(files.readme, "utf8");

  expect(metricsReadmeWithTables(readme)).toBe(readme);
  for (const { name } of ALL_SERIES) expect(readme).toContain(`| \`${name}\``);
});

test("the PrometheusRule is the plain rule file (make readme writes it)", () => {
  expect(readFileSync(files.prometheusRule, "utf8")).toBe(prometheusRuleOf(rulesText));
  expect(alerts.length).toBeGreaterThan(5);
});

test.each(alerts)(
  "$alert says what is wrong, what to do, how bad it is, and its runbook has a section",
  ({ alert, labels, annotations }) => {
    const readme = readFileSync(files.rules.replace("holdfast.rules.yaml", "README.md"), "utf8");

    expect(["critical", "warning"]).toContain(labels?.severity);
    expect(Object.keys(annotations ?? {})).toEqual(["summary", "description", "runbook_url"]);
    expect(annotations?.runbook_url).toBe(`deploy/alerts/README.md#${alert?.toLowerCase()}`);
    expect(readme).toContain(`\n## ${alert}\n`);
  },
);

test("the rules speak only of series that are pushed", () => {
  const known = new Set(ALL_SERIES.map(({ name }) => name));

  const used = rules.flatMap(({ expr }) => expr.match(/\bholdfast_\w+/g) ?? []);

  expect(used.length).toBeGreaterThan(8);
  expect(used.filter((name) => !known.has(name))).toEqual([]);
});
