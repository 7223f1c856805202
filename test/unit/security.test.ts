import { readFileSync } from "node:fs";
import { join } from "node:path";
import { securityWithTable } from "../tools/write-rights-table.ts";

const security = readFileSync(join(import.meta.dirname, "../../SECURITY.md"), "utf8");

test("the table of rights in SECURITY.md is the one that Roles are made of (make readme writes it)", () => {
  expect(securityWithTable(security)).toBe(security);
  expect(security).toContain("| update `backupsessions/status` of stash.appscode.com");
});
