// Writes the table of a job's rights into SECURITY.md, from the table that the Roles are made of.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { RIGHTS, type Right } from "../../runner/kubernetes/permissions.ts";

const SECURITY = join(import.meta.dirname, "../../SECURITY.md");

/** SECURITY.md as it should be. */
export function securityWithTable(security: string): string {
  return security.replace(/<!-- rights -->[\s\S]*<!-- \/rights -->/, () => `<!-- rights -->\n${rightsTable()}<!-- /rights -->`);
}

function rightsTable(): string {
  return `| right | on | in the namespace of | for | without it |\n| --- | --- | --- | --- | --- |\n${RIGHTS.map(tableRow).join("")}`;
}

function tableRow({ verb, group, resource, object, place, works, purpose, without }: Right): string {
  const kind = `\`${resource}\`${group === "" ? "" : ` of ${group}`}`;
  const on = object === "any" ? "cannot be limited to names" : `the ${object}`;
  const where = place === "job" ? "the job" : `the ${place}`;
  const outcome = without === "fails" ? "the run fails" : "the run goes on, and warns";
  return `| ${[`${verb} ${kind}`, on, where, `${works.join(", ")}: ${purpose}`, outcome].join(" | ")} |\n`;
}

if (process.argv[1] === import.meta.filename) writeFileSync(SECURITY, securityWithTable(readFileSync(SECURITY, "utf8")));
