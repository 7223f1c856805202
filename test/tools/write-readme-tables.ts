// Writes the table of flags into README.md, from the parameter tables.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { functions } from "../../functions/index.ts";
import { commandsFor } from "../../runner/commands.ts";
import type { Parameter } from "../../runner/parameters.ts";

const README = join(import.meta.dirname, "../../README.md");

/** README.md as it should be. */
export function readmeWithTables(readme: string): string {
  return readme.replace(/<!-- flags -->[\s\S]*<!-- \/flags -->/, () => `<!-- flags -->\n${flagsTable()}<!-- /flags -->`);
}

function flagsTable(): string {
  const commands = commandsFor(functions).filter(({ isForStash }) => isForStash !== true);
  const rows = new Map<string, { parameter: Parameter; users: string[] }>();
  for (const { name, parameters } of commands.toSorted((left, right) => (left.name < right.name ? -1 : 1))) {
    for (const parameter of Object.values(parameters)) {
      const row = rows.get(parameter.flag) ?? { parameter, users: [] };
      row.users.push(name);
      rows.set(parameter.flag, row);
    }
  }
  const lines = [...rows.values()].map(({ parameter, users }) =>
    tableRow(parameter, users.length === commands.length ? "all" : users.join(", ")),
  );
  return `| flag | environment | default | commands | what it does |\n| --- | --- | --- | --- | --- |\n${lines.join("")}`;
}

function tableRow(parameter: Parameter, users: string): string {
  const [flag, environment, byDefault, help] = flagCells(parameter);
  return `| ${[flag, environment, byDefault, users, help].join(" | ")} |\n`;
}

/** Flag, environment, default, what it does: as cells of a Markdown table. */
export function flagCells(parameter: Parameter): readonly [string, string, string, string] {
  const placeholder = parameter.placeholder === undefined ? "" : ` ${parameter.placeholder}`;
  return [
    `\`--${parameter.flag}${placeholder.replaceAll("|", "\\|")}\``,
    parameter.env.map((name) => `\`${name}\``).join(", "),
    parameter.default === undefined ? "" : `\`${parameter.default}\``,
    parameter.help.replaceAll("|", "\\|"),
  ];
}

if (process.argv[1] === import.meta.filename) writeFileSync(README, readmeWithTables(readFileSync(README, "utf8")));
