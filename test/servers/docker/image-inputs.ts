import { createHash } from "node:crypto";
import { cp, glob, readFile, stat } from "node:fs/promises";
import { join } from "node:path";

/** A digest over all that the image is built from: the Dockerfile, and what .dockerignore lets through. */
export async function digestOfImageInputs(root: string): Promise<string> {
  const hash = createHash("sha256");
  for (const file of await imageInputs(root)) {
    const content = await readFile(join(root, file));
    hash.update(`${file}\0${content.length}\0`).update(content);
  }
  return hash.digest("hex");
}

/** Copies them: what is built is then what was digested, whoever goes on writing meanwhile. */
export async function copyImageInputs(root: string, target: string): Promise<void> {
  for (const file of await imageInputs(root)) await cp(join(root, file), join(target, file));
}

/** The files, sorted, as paths from the root. */
async function imageInputs(root: string): Promise<string[]> {
  const ignore = await readFile(join(root, ".dockerignore"), "utf8");
  const allowed = ignore.split("\n").flatMap((line) => (line.startsWith("!") ? [line.slice(1).trim()] : []));
  const found = new Set(["Dockerfile", ".dockerignore"]);
  for (const path of allowed) {
    if ((await stat(join(root, path))).isFile()) found.add(path);
    else for await (const file of glob(`${path}/**/*`, { cwd: root })) if ((await stat(join(root, file))).isFile()) found.add(file);
  }
  return [...found].sort();
}
