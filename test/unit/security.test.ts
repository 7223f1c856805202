import { readFileSync } from "node:fs";
import { join } from "node:path";
import { securityWithTables } from "../tools/write-rights-table.ts";

const security = readFileSync(join(import.meta.dirname, "../../SECURITY.md"), "utf8");

test("the tables of rights in SECURITY.md are those that Roles are made of (make readme writes them)", () => {
  expect(securityWithTables(security)).toBe(security);
  expect(security).toContain("| update `backupsessions/status` of stash.appscode.com");
  expect(security).toContain("| bind `clusterroles` of rbac.authorization.k8s.io | `holdfast-job` |");
});
