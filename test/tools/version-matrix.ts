// The table of docs/elasticsearch-versions.md: what a restore of each server's backup into each other server came to.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Source, then target, then what came of it: "equal", or how it was refused. */
export type VersionMatrix = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** Names the file into which the test writes what it found, in the place of comparing it. */
export const MATRIX_RESULT = "HOLDFAST_MATRIX_RESULT";

const PAGE = join(import.meta.dirname, "../../docs/elasticsearch-versions.md");
const [BEGIN, END] = ["<!-- table: made by test/tools/write-version-matrix.ts -->", "<!-- end of table -->"];

/** What the page says. */
export function readVersionMatrix(): VersionMatrix {
  const page = readFileSync(PAGE, "utf8");
  const { from, to } = placeOf(page);
  const [, targets = [], , ...rows] = page
    .slice(from, to)
    .split("\n")
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  return Object.fromEntries(
    rows
      .filter((cells) => cells.length > 1)
      .map(([source = "", ...cells]) => [source, Object.fromEntries(cells.map((cell, at) => [targets[at + 1] ?? "", cell]))]),
  );
}

export function writeVersionMatrix(matrix: VersionMatrix): void {
  const targets = Object.keys(matrix);
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const rows = targets.map((source) => line([source, ...targets.map((target) => matrix[source]?.[target] ?? "")]));
  const table = [line(["backup of ↓ restored into →", ...targets]), line(["---", ...targets.map(() => "---")]), ...rows].join("\n");
  const page = readFileSync(PAGE, "utf8");
  const { from, to } = placeOf(page);
  writeFileSync(PAGE, `${page.slice(0, from)}\n${table}\n${page.slice(to)}`);
}

function placeOf(page: string): { from: number; to: number } {
  const [begin, to] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin < 0 || to < begin) throw new Error(`${PAGE} has no place for the table`);
  return { from: begin + BEGIN.length, to };
}
