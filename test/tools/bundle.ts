// Makes dist/holdfast.mjs, the one program that the image runs; chunks beside it are loaded on first use.
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";
import { collectLicences } from "./collect-licences.ts";

const root = join(import.meta.dirname, "../..");
await rm(join(root, "dist"), { recursive: true, force: true });
const { metafile } = await build({
  absWorkingDir: root,
  metafile: true,
  entryPoints: { holdfast: join(root, "runner/main.ts") },
  outdir: join(root, "dist"),
  outExtension: { ".js": ".mjs" },
  bundle: true,
  splitting: true,
  platform: "node",
  // an import() of CommonJS in a split bundle gives only a default export: the S3 client needs its ES modules
  mainFields: ["module", "main"],
  format: "esm",
  target: "node26",
  minify: true,
  keepNames: true,
  sourcemap: "linked",
  // Traces need names and lines; the text of the sources would be 9 of the maps' 11 MB.
  sourcesContent: false,
  logLevel: "warning",
  // CommonJS packages inside an ES module bundle still call require for Node's own modules
  banner: { js: 'import { createRequire as holdfastRequire } from "node:module"; const require = holdfastRequire(import.meta.url);' },
});
await writeFile(join(root, "dist/LICENCES.txt"), await collectLicences(root, Object.keys(metafile.inputs)));
