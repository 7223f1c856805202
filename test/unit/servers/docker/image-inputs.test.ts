import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { copyImageInputs, digestOfImageInputs } from "../../../servers/docker/image-inputs.ts";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "holdfast-inputs-"));
  await write("Dockerfile", "FROM scratch");
  await write(".dockerignore", "*\n!package.json\n!runner\n");
  await write("package.json", "{}");
  await write("runner/deep/file.ts", "1");
  await write("test/other.ts", "1");
});
afterEach(() => rm(root, { recursive: true, force: true }));

test.each(["Dockerfile", ".dockerignore", "package.json", "runner/deep/file.ts", "runner/new.ts"])(
  "another %s is another image",
  async (file) => {
    const before = await digestOfImageInputs(root);

    await write(file, "*\n!package.json\n!runner\n!test\n");

    expect(await digestOfImageInputs(root)).not.toBe(before);
  },
);

test("what the builder does not see makes no other image", async () => {
  const before = await digestOfImageInputs(root);

  await write("test/other.ts", "2");

  expect(await digestOfImageInputs(root)).toBe(before);
});

test("a copy of the inputs has their digest, and nothing else in it", async () => {
  const copy = join(root, "copy");

  await copyImageInputs(root, copy);

  expect(await digestOfImageInputs(copy)).toBe(await digestOfImageInputs(root));
  expect((await readdir(copy)).sort()).toEqual([".dockerignore", "Dockerfile", "package.json", "runner"]);
});

async function write(file: string, text: string): Promise<void> {
  await mkdir(dirname(join(root, file)), { recursive: true });
  await writeFile(join(root, file), text);
}
