import * as z from "zod";
import { parseCommandLine } from "../../runner/command-line.ts";
import { ParameterError } from "../../runner/errors.ts";
import { switchParameter } from "../../runner/parameter-kinds.ts";
import { snapshotsParameters } from "../../runner/runner-parameters.ts";

const commands = [
  { name: "snapshots", summary: "List the snapshots", parameters: snapshotsParameters },
  { name: "other", summary: "Something else", parameters: {} },
];
const parse = (...argv: string[]) => parseCommandLine(argv, commands, { version: "1.2.3" });

test("flags are read as --flag value and as --flag=value", () => {
  expect(parse("snapshots", "--store", "/tmp/x", "--s3-region=eu-1", "--json")).toEqual({
    kind: "run",
    command: "snapshots",
    flags: { store: "/tmp/x", "s3-region": "eu-1", json: "true" },
  });
});

test("the command may come from the environment", () => {
  const line = parseCommandLine(["--json"], commands, { version: "1", defaultCommand: "snapshots" });

  expect(line).toMatchObject({ kind: "run", command: "snapshots", flags: { json: "true" } });
});

test("help lists every flag with its variables", () => {
  const line = parse("snapshots", "--help");

  expect(line.kind).toBe("print");
  for (const { flag, env } of Object.values(snapshotsParameters)) {
    expect(line).toMatchObject({ text: expect.stringContaining(`--${flag}`) });
    for (const variable of env.slice(0, 1)) expect(line).toMatchObject({ text: expect.stringContaining(variable) });
  }
});

test("help lists the commands", () => {
  expect(parse("--help")).toMatchObject({ kind: "print", text: expect.stringMatching(/snapshots.*List the snapshots/) });
});

test.each([undefined, ""])("without a command nothing succeeds: a job that lost its arguments made no backup (%j)", (defaultCommand) => {
  for (const argv of [[], ["--store", "/tmp/x"]]) {
    const run = () => parseCommandLine(argv, commands, { version: "1", defaultCommand });

    expect(run).toThrow(expect.objectContaining({ exitCode: 2, hint: expect.stringContaining("snapshots, other") }));
  }
});

test("what is glued to a short flag is not printed", () => {
  expect(() => parse("snapshots", "-pcanary")).toThrow(/unknown flag -p/);
  expect(() => parse("snapshots", "-pcanary")).not.toThrow(/canary/);
});

test("the version is printed", () => {
  expect(parse("--version")).toEqual({ kind: "print", text: "holdfast 1.2.3\n" });
});

test("unknown flags are all named, and what was given to them is not", () => {
  const wrong = () => parse("snapshots", "--password=canary-1", "--passwd", "canary-2", "--json");

  expect(wrong).toThrow(ParameterError);
  expect(wrong).toThrow(/--password/);
  expect(wrong).toThrow(/--passwd/);
  expect(wrong).not.toThrow(/canary/);
});

test("a stray word is refused without printing it", () => {
  expect(() => parse("snapshots", "canary")).toThrow(/a word that belongs to no flag/);
  expect(() => parse("snapshots", "canary")).not.toThrow(/canary/);
});

test("a flag whose value is optional may stand alone, and a short name is another name", () => {
  const flag = { flag: "cache", short: "c", env: [], placeholder: "BOOL", expected: "", help: "", schema: z.string() };
  const spec = { name: "run", summary: "", parameters: { cache: { ...flag, isValueOptional: true as const } } };
  const read = (...words: string[]) => parseCommandLine(["run", ...words], [spec], { version: "1" });

  for (const words of [["--cache"], ["-c"]]) expect(read(...words)).toMatchObject({ flags: { cache: "true" } });
  for (const words of [["--cache=no"], ["--cache", "no"], ["-c", "no"]]) expect(read(...words)).toMatchObject({ flags: { cache: "no" } });
  expect(read("--cache=")).toMatchObject({ flags: { cache: "" } });
  expect(read()).toMatchObject({ flags: {} });
});

test("a switch whose name begins with no- is one", () => {
  const lease = { env: [], placeholder: "NAME", expected: "a name", help: "A name", schema: z.string() };
  const parameters = { lease: { ...lease, flag: "lease" }, noLease: switchParameter({ flag: "no-lease", env: [], help: "Without" }) };
  const parseOf = (...argv: string[]) => parseCommandLine(argv, [{ name: "work", summary: "Work", parameters }], { version: "1" });

  const [without, neither] = [parseOf("work", "--no-lease"), parseOf("work")];

  expect([without, neither]).toEqual([
    { kind: "run", command: "work", flags: { "no-lease": "true" } },
    { kind: "run", command: "work", flags: {} },
  ]);
});

test("a flag without its value is refused by name", () => {
  expect(() => parse("snapshots", "--store")).toThrow(/--store/);
});

test("an unknown command is refused with the known ones", () => {
  expect(() => parse("snapshot")).toThrow(expect.objectContaining({ exitCode: 2, hint: expect.stringContaining("snapshots, other") }));
});
