import { ParameterError } from "../../runner/errors.ts";
import { durationParameter, switchParameter, textParameter } from "../../runner/parameter-kinds.ts";
import { parseParameters } from "../../runner/parameters.ts";
import { backupParameters, verifyParameters } from "../../runner/runner-parameters.ts";

const table = {
  name: textParameter({ flag: "name", env: ["FIRST", "SECOND"], placeholder: "NAME", expected: "a name", help: "" }),
  wait: durationParameter({ flag: "wait", env: ["WAIT"], help: "", default: "300" }),
  force: switchParameter({ flag: "force", env: ["FORCE"], help: "" }),
};

test("a flag wins over the environment, and the first variable that is set over the next", () => {
  const environment = { FIRST: "", SECOND: "second" };

  expect(parseParameters(table, { flags: {}, environment }).name).toBe("second");
  expect(parseParameters(table, { flags: { name: "flag" }, environment }).name).toBe("flag");
});

test("what nobody gave has its default", () => {
  const values = parseParameters(table, { flags: {}, environment: {} });

  expect(values).toEqual({ name: undefined, wait: 300_000, force: false });
});

test.each([
  ["90", 90_000],
  ["45s", 45_000],
  ["1h30m", 5_400_000],
  ["2m5s", 125_000],
  ["1.5h", 5_400_000],
  ["0", 0],
])("the duration %s is %d ms", (text, expected) => {
  expect(parseParameters(table, { flags: { wait: text }, environment: {} }).wait).toBe(expected);
});

test("a duration that no timer can hold is refused, and one before now", () => {
  const parse = (wait: string) => () => parseParameters(table, { flags: { wait }, environment: {} });

  expect(parse("-5s")).toThrow(/--wait is "-5s"/);
  expect(parse("600h")).toThrow(/--wait is "600h": expected .* at most 576h/);
  expect(parse("99999999999999999999")).toThrow(ParameterError);
  expect(parse("576h")().wait).toBe(576 * 3_600_000);
});

test("all faults stand in one message, each with flag, variable and what was expected", () => {
  const parse = () => parseParameters(table, { flags: { wait: "soon" }, environment: { FORCE: "perhaps" } });

  expect(parse).toThrow(ParameterError);
  expect(parse).toThrow(/2 parameters are wrong/);
  expect(parse).toThrow(/--wait is "soon": expected seconds or a duration .* \(--wait or WAIT\)/);
  expect(parse).toThrow(/FORCE is "perhaps": expected true or false \(--force or FORCE\)/);
});

test("faults between parameters stand in the same message as those of single ones", () => {
  const parse = () =>
    parseParameters(table, { flags: { wait: "soon" }, environment: {} }, ({ name }) => (name === undefined ? ["--name is missing"] : []));

  expect(parse).toThrow(/2 parameters are wrong:\n {2}- --wait is "soon".*\n {2}- --name is missing/);
});

test("a sample of nothing, or of more than all, is refused", () => {
  const parse = (sample: string) => () => parseParameters(verifyParameters, { flags: { sample }, environment: {} });

  expect(parse("0")).toThrow(/--sample is "0"/);
  expect(parse("101")).toThrow(/--sample is "101"/);
  expect(parse("x")).toThrow(/--sample is "x"/);
  expect(parse("12.5")().sample).toBe(12.5);
});

test("no flag takes a secret", () => {
  const flags = Object.values(backupParameters).map((parameter) => parameter.flag);

  expect(flags.filter((flag) => /pass|secret|token|key/.test(flag)).sort()).toEqual(["database-password-file", "password-file", "tls-key"]);
});
