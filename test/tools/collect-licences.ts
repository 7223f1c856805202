import { readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";

interface Package {
  readonly title: string;
  readonly licence: string;
}

/** The licences of all packages that these files (paths from the root) come from, and of Node, as one text; throws when a package has none. */
export async function collectLicences(root: string, files: readonly string[]): Promise<string> {
  const node = dirname(dirname(process.execPath));
  const nodes = await readFile(join(node, "LICENSE"), "utf8").catch(() => readFile(join(node, "share/doc/node/LICENSE"), "utf8"));
  const folders = new Set(files.flatMap((file) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? []));
  const packages = await Promise.all([...folders].sort().map((folder) => readPackage(root, folder)));
  const sections = packages.map(({ title, licence }) => `${title}\n\n${licence}\n`);
  return [`Node.js ${process.versions.node}\n\n${nodes}`, ...new Set(sections)].join(`\n${"=".repeat(80)}\n\n`);
}

async function readPackage(root: string, folder: string): Promise<Package> {
  const { name, version, license } = JSON.parse(await readFile(join(root, folder, "package.json"), "utf8"));
  const names = (await readdir(join(root, folder))).filter((each) => /^(licen[cs]e|copying|notice)/i.test(each)).sort();
  const texts = await Promise.all(names.map((each) => readFile(join(root, folder, each), "utf8")));
  if (texts.length === 0 && typeof license !== "string") throw new Error(`Package "${name}" is bundled and names no licence`);
  return { title: `${name} ${version} (${license ?? "see below"})`, licence: texts.map((text) => text.trim()).join("\n\n") };
}
