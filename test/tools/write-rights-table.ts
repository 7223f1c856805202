// Writes the table of a job's rights into SECURITY.md, from the table that the Roles are made of.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { RIGHTS, type Right, type Without } from "../../runner/kubernetes/permissions.ts";

const SECURITY = join(import.meta.dirname, "../../SECURITY.md");

/** SECURITY.md as it should be. */
export function securityWithTable(security: string): string {
  return security.replace(/<!-- rights -->[\s\S]*<!-- \/rights -->/, () => `<!-- rights -->\n${rightsTable()}<!-- /rights -->`);
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
  const kind = `\`${resource}\`${group === "" ? "" : ` of ${group}`}`;
  const on = object === "any" ? "cannot be limited to names" : `the ${object}`;
  const where = place === "job" ? "the job" : `the ${place}`;
  return `| ${[`${verb} ${kind}`, on, where, `${works.join(", ")}: ${purpose}`, OUTCOMES[without]].join(" | ")} |\n`;
}

if (process.argv[1] === import.meta.filename) writeFileSync(SECURITY, securityWithTable(readFileSync(SECURITY, "utf8")));
