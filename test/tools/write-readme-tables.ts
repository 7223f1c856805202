// Writes the table of flags into README.md, from the parameter tables.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { functions } from "../../functions/index.ts";
import type { Parameter, ParameterTable } from "../../runner/parameters.ts";
import { backupParameters, restoreParameters, snapshotsParameters, verifyParameters } from "../../runner/runner-parameters.ts";

const README = join(import.meta.dirname, "../../README.md");

/** README.md as it should be. */
export function readmeWithTables(readme: string): string {
  return readme.replace(/<!-- flags -->[\s\S]*<!-- \/flags -->/, () => `<!-- flags -->\n${flagsTable()}<!-- /flags -->`);
}

function flagsTable(): string {
  const commands: Record<string, ParameterTable> = { snapshots: snapshotsParameters, verify: verifyParameters };
  for (const fn of functions) commands[fn.name] = { ...(fn.kind === "backup" ? backupParameters : restoreParameters), ...fn.parameters };
  const rows = new Map<string, { parameter: Parameter; users: string[] }>();
  for (const [command, table] of Object.entries(commands).sort(([left], [right]) => (left < right ? -1 : 1))) {
    for (const parameter of Object.values(table)) {
      const row = rows.get(parameter.flag) ?? { parameter, users: [] };
      row.users.push(command);
      rows.set(parameter.flag, row);
    }
  }
  const all = Object.keys(commands).length;
  const lines = [...rows.values()].map(({ parameter, users }) => tableRow(parameter, users.length === all ? "all" : users.join(", ")));
  return `| flag | environment | default | commands | what it does |\n| --- | --- | --- | --- | --- |\n${lines.join("")}`;
}

function tableRow(parameter: Parameter, users: string): string {
  const placeholder = parameter.placeholder === undefined ? "" : ` ${parameter.placeholder}`;
  const cells = [
    `\`--${parameter.flag}${placeholder.replaceAll("|", "\\|")}\``,
    parameter.env.map((name) => `\`${name}\``).join(", "),
    parameter.default === undefined ? "" : `\`${parameter.default}\``,
    users,
    parameter.help.replaceAll("|", "\\|"),
  ];
  return `| ${cells.join(" | ")} |\n`;
}

if (process.argv[1] === import.meta.filename) writeFileSync(README, readmeWithTables(readFileSync(README, "utf8")));
