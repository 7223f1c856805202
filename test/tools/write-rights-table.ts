// Writes the tables of rights into SECURITY.md, from the tables that the Roles are made of: a job's, and the operator's.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { OPERATOR_RIGHTS, type OperatorRight, type RightScope } from "../../operator/rights.ts";
import { RIGHTS, type Right, type Without } from "../../runner/kubernetes/permissions.ts";

const SECURITY = join(import.meta.dirname, "../../SECURITY.md");

/** SECURITY.md as it should be. */
export function securityWithTables(security: string): string {
  return Object.entries({ rights: rightsTable(), "operator-rights": operatorTable() }).reduce(
    (text, [name, table]) =>
      text.replace(new RegExp(`<!-- ${name} -->[\\s\\S]*<!-- /${name} -->`), () => `<!-- ${name} -->\n${table}<!-- /${name} -->`),
    security,
  );
}

function rightsTable(): string {
  return `| right | on | in the namespace of | for | without it |\n| --- | --- | --- | --- | --- |\n${RIGHTS.map(tableRow).join("")}`;
}

const OUTCOMES: Readonly<Record<Without, string>> = {
  fails: "the run fails",
  incomplete: "the backup stands; the run warns, or fails if its session wants the rest",
  warns: "the run goes on, and warns",
};

function tableRow({ verb, group, resource, object, place, works, purpose, without }: Right): string {
  const on = object === "any" ? "cannot be limited to names" : `the ${object}`;
  const where = place === "job" ? "the job" : `the ${place}`;
  return `| ${[`${verb} \`${resource}\`${ofGroup(group)}`, on, where, `${works.join(", ")}: ${purpose}`, OUTCOMES[without]].join(" | ")} |\n`;
}

/** Rights that differ in their resource alone share a row. */
function operatorTable(): string {
  const rows = new Map<string, OperatorRight[]>();
  for (const right of OPERATOR_RIGHTS) {
    const { verbs, group, names, scope, purpose } = right;
    const key = JSON.stringify([verbs, group, names, scope, purpose]);
    rows.set(key, [...(rows.get(key) ?? []), right]);
  }
  return `| right | on | for |\n| --- | --- | --- |\n${[...rows.values()].map(operatorRow).join("")}`;
}

const PLACES: Readonly<Record<RightScope, string>> = {
  cluster: "everywhere",
  secrets: "everywhere, or in the namespaces that you choose",
  own: "in the operator's namespace",
};

function operatorRow(rights: readonly OperatorRight[]): string {
  const [{ verbs, group, names, scope, purpose }] = rights as readonly [OperatorRight];
  const resources = rights.map(({ resource }) => `\`${resource}\``).join(", ");
  const named = names?.map((name) => `\`${name}\``).join(", ");
  const on = named === undefined ? PLACES[scope] : `${named}${scope === "own" ? `, ${PLACES.own}` : ""}`;
  return `| ${[`${verbs.join(", ")} ${resources}${ofGroup(group)}`, on, purpose].join(" | ")} |\n`;
}

function ofGroup(group: string): string {
  return group === "" ? "" : ` of ${group}`;
}

if (process.argv[1] === import.meta.filename) writeFileSync(SECURITY, securityWithTables(readFileSync(SECURITY, "utf8")));
