// biome-ignore-all lint/suspicious/noTemplateCurlyInString: templates of this kind are what is tested here
import fc from "fast-check";
import { ParameterError } from "../../../runner/errors.ts";
import { substitute } from "../../../runner/kubernetes/substitute.ts";

const origin = 'Function "f"';

function expand(text: string, variables: Readonly<Record<string, string>> = {}): string {
  return substitute(text, new Map(Object.entries(variables)), { origin });
}

const name = "thoughts.for.today";

test.each([
  ["plain text", {}, "plain text"],
  ["--a=${A}", { A: "1" }, "--a=1"],
  ["${A}${B_2}", { A: "1", B_2: "2" }, "12"],
  ["--a=${A:=}", {}, "--a="],
  ["--a=${A:=true}", {}, "--a=true"],
  ["--a=${A=d}", {}, "--a=d"],
  ["--a=${A:-d}", {}, "--a=d"],
  ["--a=${A:=d}", { A: "given" }, "--a=given"],
  ["--a=${A:=d}", { A: "" }, "--a="],
  ["--a=${A:-d}", { A: "" }, "--a="],
  ["${A:=x ${B}-y}", { B: "b" }, "x b-y"],
  ["${A:=${B:=deep}}", {}, "deep"],
  ["${A:=a $5 b}", {}, "a $5 b"],
  ["$$", {}, "$"],
  ["$${A}", { A: "1" }, "${A}"],
  ["cost: $5, $A", { A: "1" }, "cost: $5, $A"],
  ["$(POD_NAME) $$(POD_NAME)", { POD_NAME: "no" }, "$(POD_NAME) $(POD_NAME)"],
  ["a } b { c", {}, "a } b { c"],
  ["${#A}", { A: "äbc" }, "3"],
  ["${A:9}", { A: name }, "for.today"],
  ["${A:9:3}", { A: name }, "for"],
  ["${A:99}", { A: name }, ""],
  ["${A#*.}", { A: name }, "for.today"],
  ["${A##*.}", { A: name }, "today"],
  ["${A%.*}", { A: name }, "thoughts.for"],
  ["${A%%.*}", { A: name }, "thoughts"],
  ["${A%.today}", { A: name }, "thoughts.for"],
  ["${A#nothing}", { A: name }, name],
  ["${A/t/T}", { A: name }, "Thoughts.for.today"],
  ["${A//t/T}", { A: name }, "ThoughTs.for.Today"],
  ["${A//./}", { A: name }, "thoughtsfortoday"],
  ["${A//\\//-}", { A: "a/b/c" }, "a-b-c"],
  ["${A/#th/Th}", { A: name }, "Thoughts.for.today"],
  ["${A/%day/night}", { A: name }, "thoughts.for.tonight"],
  ["${A/t/$&}", { A: "t" }, "$&"],
  ["${A^} ${A^^}", { A: "aBc" }, "ABc ABC"],
  ["${A,} ${A,,}", { A: "ABc" }, "aBc abc"],
] as const)("%j with %j becomes %j", (text, variables, expected) => {
  expect(expand(text, variables)).toBe(expected);
});

test("an unknown variable without a default is refused with its name and its place", () => {
  const template = { args: ["--ok", "--bucket=${REPOSITORY_BUCKET}"] };

  const act = () => substitute(template, new Map(), { origin, path: "spec" });

  expect(act).toThrow('Function "f", spec.args[1]: variable "REPOSITORY_BUCKET" is not known, and there is no default');
});

test.each([
  "${}",
  "${A",
  "${A-B}",
  "${A:?no}",
  "${A:+no}",
  "${A?no}",
  "${A+x}",
  "${A:x}",
  "${A:1:y}",
  "${A#[ab]}",
  "${A#*a*}",
  "${A#?}",
  "${A/only}",
  "${A#${B}}",
  "${ A }",
  "${A.b}",
  "${A^x}",
  "${#}",
])("the form %j is refused by name, not substituted by half", (form) => {
  const act = () => expand(`before ${form} after`, { A: "value", B: "value" });

  expect(act).toThrow(ParameterError);
  expect(act).toThrow(form.slice(0, -1));
});

test("names that every JavaScript object has are unknown like any other", () => {
  for (const variable of ["constructor", "__proto__", "toString"]) expect(() => expand(`\${${variable}}`)).toThrow("is not known");
});

test("a variable in the name of a field is refused", () => {
  expect(() => substitute({ labels: { "${A}": "x" } }, new Map([["A", "a"]]), { origin })).toThrow("labels.${A}");
});

test("numbers, booleans, null and empty containers stay as they are", () => {
  const template = { a: 1, b: true, c: null, d: [], e: {}, f: [1.5, [null]] };

  expect(substitute(template, new Map(), { origin })).toEqual(template);
});

const hostile = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.constantFrom('"', "\\", '","privileged":true,"x":"', "${A}", "$${A}", "$", "$&", "`", "\n", "\u2028", "}", "'", "{{.Name}}", "- x: y"),
);

test("a value of any characters arrives as it is, and changes nothing around it (R18)", () => {
  fc.assert(
    fc.property(hostile, hostile, (a, b) => {
      const template = { args: ["--a=${A}", "${B:=unused}", "x${A}y${B}z"], env: [{ name: "E", value: "${A:=}" }], n: 1, keep: "plain" };

      const result = substitute(
        template,
        new Map([
          ["A", a],
          ["B", b],
        ]),
        { origin },
      );

      expect(result).toStrictEqual({ args: [`--a=${a}`, b, `x${a}y${b}z`], env: [{ name: "E", value: a }], n: 1, keep: "plain" });
    }),
  );
});

test("whatever the values are, the object has the same fields and the same kinds of values (R18)", () => {
  const leaf = fc.oneof(
    fc.constantFrom("${A}", "a${B}b", "${A:=d}", "${C:=${A}}", "${A//x/y}"),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
  );
  const key = fc.string().filter((text) => !/\$[${]/.test(text));
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof({ maxDepth: 4 }, leaf, fc.array(tie("tree")), fc.dictionary(key, tie("tree"))),
  }));
  fc.assert(
    fc.property(tree, hostile, hostile, (template, a, b) => {
      const result = substitute(
        template,
        new Map([
          ["A", a],
          ["B", b],
        ]),
        { origin },
      );

      expect(shapeOf(result)).toEqual(shapeOf(template));
    }),
  );
});

function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shapeOf);
  if (value === null || typeof value !== "object") return typeof value;
  return Object.entries(value).map(([key, field]) => [key, shapeOf(field)]);
}
