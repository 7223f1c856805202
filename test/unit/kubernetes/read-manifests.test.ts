import { writeFile } from "node:fs/promises";
import { ParameterError } from "../../../runner/errors.ts";
import { readManifests } from "../../../runner/kubernetes/read-manifests.ts";
import { everythingOf, failureOf, makeManifests } from "./temporary-manifests.ts";

const secret = (name: string, namespace = "shop") => `apiVersion: v1\nkind: Secret\nmetadata: { name: ${name}, namespace: ${namespace} }\n`;
const names = async (path: string) => (await readManifests(path)).all.map(({ kind, name }) => `${kind} ${name}`);

test("a directory's YAML and JSON files are read in order of their names", async () => {
  await using files = await makeManifests({
    "b.yml": secret("second"),
    "a.yaml": `${secret("first")}---\n${secret("also-first")}---\n# nothing here\n`,
    "c.json": JSON.stringify({ apiVersion: "v1", kind: "Secret", metadata: { name: "third" } }, null, "\t"),
  });

  expect(await names(files.directory)).toEqual(["Secret first", "Secret also-first", "Secret second", "Secret third"]);
});

test("subdirectories, hidden files, other files and our own status files are not read", async () => {
  await using files = await makeManifests({
    "a.yaml": secret("one"),
    "deeper/b.yaml": secret("two"),
    "folder.yaml/c.yaml": secret("three"),
    ".hidden.yaml": secret("four"),
    "notes.txt": secret("five"),
    "Repository.shop.six.status.yaml": secret("six"),
  });

  expect(await names(files.directory)).toEqual(["Secret one"]);
});

test("a single file is read whatever its name, and its directory is where we write", async () => {
  await using files = await makeManifests({ objects: secret("one"), "other.yaml": secret("two") });

  const { all, directory } = await readManifests(files.path("objects"));

  expect(all.map(({ name }) => name)).toEqual(["one"]);
  expect(directory).toBe(files.directory);
});

test("lists are expanded, and the items of a typed list take kind and version from it", async () => {
  const item = { metadata: { name: "in-typed-list" } };
  const list = { apiVersion: "v1", kind: "List", items: [{ apiVersion: "v1", kind: "SecretList", items: [item] }] };
  await using files = await makeManifests({ "a.json": JSON.stringify(list) });

  expect(await names(files.directory)).toEqual(["Secret in-typed-list"]);
});

test("other kinds, the same kind of another group, and documents that are no objects are ignored", async () => {
  await using files = await makeManifests({
    "a.yaml": [
      "apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: x }\n",
      "apiVersion: storage.example.com/v1\nkind: Repository\nmetadata: { name: x }\n",
      "kind: Secret\n",
      "apiVersion: v1\nkind: toString\n",
      "- 1\n- 2\n",
      "just text\n",
      secret("one"),
    ].join("---\n"),
  });

  expect(await names(files.directory)).toEqual(["Secret one"]);
});

test("a merge key is resolved", async () => {
  const text = `${secret("one")}stringData:\n  <<: &base { a: "1" }\n  b: "2"\n`;
  await using files = await makeManifests({ "a.yaml": text });

  const [manifest] = (await readManifests(files.directory)).all;

  expect(manifest?.object.stringData).toEqual({ a: "1", b: "2" });
});

test("a path that does not exist is a parameter error that names it", async () => {
  await using files = await makeManifests({});

  const error = await failureOf(readManifests(files.path("absent")));

  expect(error).toBeInstanceOf(ParameterError);
  expect(error.message).toBe(`Cannot read manifests from "${files.path("absent")}": it does not exist`);
});

test.each([
  ["an unknown alias", "stringData:\n  password: *canary\n", "the document that begins on line 1"],
  ["a key that stands twice", "stringData:\n  canary: canary\n  canary: canary\n", "line 6"],
  ["a text that does not end", 'stringData:\n  password: "canary\n', "line 6"],
  ["a wrong indent", "stringData:\n  password: canary\n canary: canary\n", "line 6"],
  ["a nested mapping on one line", "stringData: canary: canary\n", "line 4"],
  ["a tab", "stringData:\n\tpassword: canary\n", "line 5"],
  ["a tag nobody knows", "stringData:\n  password: !canary canary\n", "line 5"],
])("YAML with %s is an error that names file and line and quotes nothing", async (_, text, place) => {
  await using files = await makeManifests({ "good.yaml": secret("good"), "wrong.yaml": secret("wrong") + text });

  const error = await failureOf(readManifests(files.directory));

  expect(error).toBeInstanceOf(ParameterError);
  expect(error.message).toContain(`"${files.path("wrong.yaml")}": ${place} is not valid YAML`);
  expect(everythingOf(error)).not.toContain("canary");
});

test("aliases that multiply without end are refused", async () => {
  const levels = Array.from(
    { length: 9 },
    (_, level) =>
      `l${level}: &l${level} [${Array(9)
        .fill(level === 0 ? "x" : `*l${level - 1}`)
        .join(", ")}]`,
  );
  await using files = await makeManifests({ "a.yaml": `${secret("one")}${levels.join("\n")}\n` });

  await expect(readManifests(files.directory)).rejects.toThrow(
    /a\.yaml": the document that begins on line 1 is not valid YAML \(bad alias\)/,
  );
});

test("an object that stands in two files is an error that names both", async () => {
  await using files = await makeManifests({ "a.yaml": secret("one"), "b.yaml": secret("one"), "c.yaml": secret("one", "other") });

  const error = await failureOf(readManifests(files.directory));

  expect(error).toBeInstanceOf(ParameterError);
  expect(error.message).toBe(`Secret "shop/one" stands in "${files.path("a.yaml")}" and in "${files.path("b.yaml")}"`);
});

test("an object that stands twice in one file is an error that says so", async () => {
  await using files = await makeManifests({ "a.yaml": `${secret("one")}---\n${secret("one")}` });

  await expect(readManifests(files.directory)).rejects.toThrow(`Secret "shop/one" stands twice in "${files.path("a.yaml")}"`);
});

test.each([
  ["no name", "apiVersion: v1\nkind: Secret\nmetadata: { generateName: x- }\n", "a Secret has no metadata.name"],
  ["no metadata", "apiVersion: v1\nkind: Secret\n", "a Secret has no metadata.name"],
  ["a namespace that is a number", "apiVersion: v1\nkind: Secret\nmetadata: { name: one, namespace: 1 }\n", "is not a string"],
])("an object with %s is an error that names the file", async (_, text, message) => {
  await using files = await makeManifests({ "a.yaml": text });

  const error = await failureOf(readManifests(files.directory));

  expect(error).toBeInstanceOf(ParameterError);
  expect(error.message).toContain(files.path("a.yaml"));
  expect(error.message).toContain(message);
});

test("a file in another encoding is refused, not read with replaced characters", async () => {
  await using files = await makeManifests({});
  const latin1 = Buffer.from(`${secret("one")}stringData: { password: p\u00e4ss }\n`, "latin1");
  await writeFile(files.path("a.yaml"), latin1);

  await expect(readManifests(files.directory)).rejects.toThrow(`Cannot read "${files.path("a.yaml")}": it is not text in UTF-8`);
});
