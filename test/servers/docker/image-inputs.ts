import { createHash } from "node:crypto";
import { glob, readFile, stat } from "node:fs/promises";
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

/** The files, sorted, as paths from the root. */
export async function imageInputs(root: string): Promise<string[]> {
  const ignore = await readFile(join(root, ".dockerignore"), "utf8");
  const allowed = ignore.split("\n").flatMap((line) => (line.startsWith("!") ? [line.slice(1).trim()] : []));
  const found = new Set(["Dockerfile", ".dockerignore"]);
  for (const path of allowed) {
    const it = await stat(join(root, path));
    if (it.isFile()) found.add(path);
    else for await (const file of glob(`${path}/**/*`, { cwd: root })) if ((await stat(join(root, file))).isFile()) found.add(file);
  }
  return [...found].sort();
}
