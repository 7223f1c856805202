import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readmeWithTables } from "../tools/write-readme-tables.ts";

const readme = readFileSync(join(import.meta.dirname, "../../README.md"), "utf8");

test("the table of flags in the README is the one the program has (make readme writes it)", () => {
  expect(readmeWithTables(readme)).toBe(readme);
  expect(readme).toContain("| `--wait-timeout DURATION` |");
});
