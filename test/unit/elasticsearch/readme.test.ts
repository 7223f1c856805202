import { readFileSync } from "node:fs";
import { esBackupParameters, esRestoreParameters } from "../../../functions/elasticsearch/parameters.ts";
import { readBackupArguments, readRestoreArguments } from "../../../functions/elasticsearch/stash-arguments.ts";

const readme = readFileSync(new URL("../../../functions/elasticsearch/README.md", import.meta.url), "utf8");
const task = readFileSync(new URL("../../../functions/elasticsearch/function.yaml", import.meta.url), "utf8");

test("every flag of the functions is in the README", () => {
  const flags = Object.values({ ...esBackupParameters, ...esRestoreParameters }).map(({ flag }) => flag);

  expect(flags.filter((flag) => !readme.includes(`--${flag}`))).toEqual([]);
});

test("every parameter of the Tasks is in the README", () => {
  const names = [...task.matchAll(/\$\{([a-z][A-Za-z]*):=\}/g)].map(([, name]) => name as string);

  expect(names.length).toBeGreaterThan(20);
  expect(names.filter((name) => !readme.includes(`\`${name}\``))).toEqual([]);
});

test("what the README says makes no difference is accepted, and makes none", () => {
  const row = readme.split("\n").find((line) => line.startsWith("| `--limit`")) as string;
  const cell = row.split("|")[1] as string;
  const given = [...cell.matchAll(/`(--[A-Za-z-]+)(?:=([a-z]+))?`/g)].map(([, name, value]) => ({ name: name as string, value }));

  expect(given.length).toBeGreaterThan(25);
  for (const read of [readBackupArguments, readRestoreArguments])
    for (const { name, value } of given) {
      const accepted = [[`${name}=${value ?? "true"}`], [`${name}=${value ?? "7"}`]].map((words) => attempt(() => read(words)));

      expect([name, accepted]).toEqual([name, expect.arrayContaining([expect.objectContaining({ flags: {}, warnings: [] })])]);
    }
});

function attempt(read: () => object): object | undefined {
  try {
    return read();
  } catch {
    // A number where a switch is wanted; one of the two forms fits.
    return undefined;
  }
}
