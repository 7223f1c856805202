// Makes dist/holdfast.mjs, the one program that the image runs; chunks beside it are loaded on first use.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";

const root = join(import.meta.dirname, "../..");
await rm(join(root, "dist"), { recursive: true, force: true });
await build({
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
  logLevel: "warning",
  // CommonJS packages inside an ES module bundle still call require for Node's own modules
  banner: { js: 'import { createRequire as holdfastRequire } from "node:module"; const require = holdfastRequire(import.meta.url);' },
});
