import { redisRestoreParameters } from "../../../functions/redis/parameters.ts";
import { describeHeader, describeKey, parseHeader } from "../../../functions/redis/rdb-format.ts";
import { parseParameters } from "../../../runner/parameters.ts";

test.each(["REDIS0009", "REDIS0012", "VALKEY080"])("the header %s is read and told as it is", (header) => {
  expect(describeHeader(parseHeader(Buffer.from(header)))).toBe(header);
});

test.each([
  ["plain:key", '"plain:key"'],
  ['a "quoted" \\ key', '"a \\"quoted\\" \\\\ key"'],
  ["line\nbreak\x1b[31m", '"line\\x0abreak\\x1b[31m"'],
  ["ключ", '"\\xd0\\xba\\xd0\\xbb\\xd1\\x8e\\xd1\\x87"'],
])("the key %j is told as %s", (key, told) => {
  expect(describeKey(Buffer.from(key))).toBe(told);
});

test("a long key is cut", () => {
  expect(describeKey(Buffer.alloc(100_000, "\xff", "latin1")).length).toBeLessThan(210);
});

test("the policy is fail unless said otherwise, by flag or variable", () => {
  const parse = (flags: Record<string, string>, environment: Record<string, string>) =>
    parseParameters(redisRestoreParameters, { flags, environment });

  expect(parse({}, {})).toEqual({ policy: "fail", allowMissingModules: false });
  expect(parse({}, { HOLDFAST_POLICY: "skip" }).policy).toBe("skip");
  expect(parse({ policy: "replace" }, { HOLDFAST_POLICY: "skip" }).policy).toBe("replace");
  expect(() => parse({ policy: "merge" }, {})).toThrow('"fail", "skip" or "replace"');
});
