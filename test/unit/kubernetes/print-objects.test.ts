import fc from "fast-check";
import { parseAllDocuments } from "yaml";
import { printObjects } from "../../../runner/kubernetes/print-objects.ts";

const awkward = fc.oneof(
  fc.string({ unit: "grapheme" }),
  fc.constantFrom(
    "yes",
    "no",
    "on",
    "y",
    "null",
    "~",
    "",
    "1:30",
    "0777",
    "0x1",
    "1e3",
    ".inf",
    "2026-01-02",
    "- a",
    "a: b",
    "# c",
    "---\na: b",
    "\t",
    "<<",
    "*a",
    "&a",
    "!t",
    "%",
  ),
);

// "<<" is no name of a field or a label anywhere in Kubernetes, and means something in YAML 1.1.
const fieldName = awkward.filter((key) => key !== "__proto__" && key !== "<<");

test.each(["1.1", "1.2"] as const)("whatever its texts are, YAML %s reads the same objects again (R18)", (version) => {
  fc.assert(
    fc.property(
      fc.array(fc.dictionary(fieldName, fc.oneof(awkward, fc.array(awkward), fc.integer(), fc.boolean()), { minKeys: 1 }), {
        minLength: 1,
      }),
      (objects) => {
        const text = printObjects(objects, { json: false });

        expect(parseAllDocuments(text, { version }).map((document) => document.toJS())).toEqual(objects.map((object) => ({ ...object })));
      },
    ),
  );
});

test("as JSON one object is itself, several are a List", () => {
  expect(JSON.parse(printObjects([{ a: 1 }], { json: true }))).toEqual({ a: 1 });
  expect(JSON.parse(printObjects([{ a: 1 }, { b: 2 }], { json: true }))).toEqual({
    apiVersion: "v1",
    kind: "List",
    items: [{ a: 1 }, { b: 2 }],
  });
});
