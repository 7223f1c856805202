import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { collectLicences } from "../../tools/collect-licences.ts";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "holdfast-licences-"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

test("each package that a file comes from is named once with its licence, also one inside another, and Node", async () => {
  await addPackage("node_modules/@scope/outer", { name: "@scope/outer", version: "1.0.0", license: "MIT" }, "Outer's text");
  await addPackage("node_modules/@scope/outer/node_modules/inner", { name: "inner", version: "2.0.0", license: "ISC" }, "Inner's text");
  const files = ["runner/main.ts", "node_modules/@scope/outer/a.js", "node_modules/@scope/outer/b.js"];

  const text = await collectLicences(root, [...files, "node_modules/@scope/outer/node_modules/inner/index.js"]);

  expect(text.match(/@scope\/outer 1\.0\.0 \(MIT\)\n\nOuter's text/g)).toHaveLength(1);
  expect(text.match(/inner 2\.0\.0 \(ISC\)\n\nInner's text/g)).toHaveLength(1);
  expect(text).toContain(`Node.js ${process.versions.node}\n`);
});

test("a package that names no licence is not bundled unnoticed", async () => {
  await addPackage("node_modules/bare", { name: "bare", version: "1.0.0" });

  await expect(collectLicences(root, ["node_modules/bare/index.js"])).rejects.toThrow('Package "bare" is bundled and names no licence');
});

async function addPackage(folder: string, json: object, licence?: string): Promise<void> {
  await mkdir(join(root, folder), { recursive: true });
  await writeFile(join(root, folder, "package.json"), JSON.stringify(json));
  if (licence !== undefined) await writeFile(join(root, folder, "LICENSE"), licence);
}
