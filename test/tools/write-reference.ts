// Writes the tables of docs/reference.md from the program's own: flags of the operator's commands, and the operator's series.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createBackupSessionParameters } from "../../operator/create-backup-session-parameters.ts";
import { operatorParameters } from "../../operator/parameters.ts";
import { OperatorMetrics } from "../../operator/serve/operator-metrics.ts";
import type { Parameter } from "../../runner/parameters.ts";
import { flagCells } from "./write-readme-tables.ts";

const REFERENCE = join(import.meta.dirname, "../../docs/reference.md");

/** docs/reference.md as it should be. */
export async function referenceWithTables(page: string): Promise<string> {
  const tables = {
    operator: flagsTable(operatorParameters),
    "create-backupsession": flagsTable(createBackupSessionParameters),
    series: await seriesTable(),
  };
  return Object.entries(tables).reduce(
    (text, [name, table]) =>
      text.replace(new RegExp(`<!-- ${name} -->[\\s\\S]*<!-- /${name} -->`), () => `<!-- ${name} -->\n${table}<!-- /${name} -->`),
    page,
  );
}

function flagsTable(parameters: Readonly<Record<string, Parameter>>): string {
  const rows = Object.values(parameters).map((parameter) => `| ${flagCells(parameter).join(" | ")} |\n`);
  return `| flag | environment | default | what it does |\n| --- | --- | --- | --- |\n${rows.join("")}`;
}

/** Without those of the process itself, which are Node's own. */
async function seriesTable(): Promise<string> {
  const { body } = await sampleMetrics().text();
  const helps = [...body.matchAll(/^# HELP (\S+) (.+)\n# TYPE \S+ (\w+)$/gm)].filter(([, name]) => !/_(process|nodejs)_/.test(name ?? ""));
  const rows = helps.map(([, name = "", help, type]) => `| \`${name}\` | ${type} | ${labelsOf(body, name)} | ${help} |\n`);
  return `| series | type | labels | what it says |\n| --- | --- | --- | --- |\n${rows.toSorted().join("")}`;
}

/** Names of labels show on samples alone. */
function sampleMetrics(): OperatorMetrics {
  const metadata = { namespace: "n", name: "n", uid: "u", resourceVersion: "1", creationTimestamp: "2026-01-01T00:00:00Z" };
  const invoker = { apiVersion: "v1", kind: "BackupConfiguration", metadata, spec: { schedule: "0 3 * * *" } };
  const cronJob = { ...invoker, kind: "CronJob", status: { lastScheduleTime: "2026-01-01T00:00:00Z" } };
  const metrics = new OperatorMetrics({
    queueDepths: () => new Map([["r", 0]]),
    watches: () => new Map([["k", { lists: 1, watches: 1, failures: 1, events: 1 }]]),
    cachedObjects: () => new Map([["k", 1]]),
    isLeader: () => true,
    backupConfigurations: () => [invoker],
    cronJobOf: () => cronJob,
  });
  metrics.passed("r", "done", 1);
  metrics.wrote("k");
  return metrics;
}

function labelsOf(body: string, name: string): string {
  const [, labels = ""] = new RegExp(`^${name}(?:_sum)?\\{(.*)\\} `, "m").exec(body) ?? [];
  return [...labels.matchAll(/(\w+)="/g)].map(([, label]) => label).join(", ");
}

if (process.argv[1] === import.meta.filename) writeFileSync(REFERENCE, await referenceWithTables(readFileSync(REFERENCE, "utf8")));
