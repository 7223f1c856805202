import { readFileSync } from "node:fs";
import { join } from "node:path";
import { referenceWithTables } from "../tools/write-reference.ts";

const reference = readFileSync(join(import.meta.dirname, "../../docs/reference.md"), "utf8");

test("the tables of docs/reference.md are what the operator has (make readme writes them)", async () => {
  expect(await referenceWithTables(reference)).toBe(reference);
  expect(reference).toContain("| `--pending-timeout DURATION` |");
  expect(reference).toContain("| `--invoker-name NAME` |");
  expect(reference).toContain("| `holdfast_operator_passes_total` | counter | reconciler, outcome |");
});
