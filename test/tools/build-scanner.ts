// Compiles functions/elasticsearch/scanner/ into hit-scanner-wasm.ts: node test/tools/build-scanner.ts
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import asc from "assemblyscript/asc";

const FOLDER = join(import.meta.dirname, "../../functions/elasticsearch");
const ENTRY = "hit-scanner.as.ts";

/** The text of hit-scanner-wasm.ts as scanner/ makes it. */
export async function buildScanner(): Promise<string> {
  const module = await compile();
  const text = Buffer.from(module).toString("base64");
  const lines = (text.match(/.{1,120}/g) ?? []).map((line) => `  "${line}",`);
  return `// Made from scanner/ by test/tools/build-scanner.ts; a unit test compares.\nexport const HIT_SCANNER_WASM = [\n${lines.join("\n")}\n].join("");\n`;
}

async function compile(): Promise<Uint8Array> {
  let module: Uint8Array | undefined;
  // No runtime: the sources allocate nothing, all memory is addressed by number.
  const { error, stderr } = await asc.main(
    [
      ENTRY,
      "-O3",
      "--enable",
      "simd",
      "--converge",
      "--noAssert",
      "--runtime",
      "stub",
      "--use",
      "abort=",
      "--initialMemory",
      "2",
      "--outFile",
      "hit-scanner.wasm",
    ],
    {
      readFile: (name) => readFile(join(FOLDER, "scanner", name), "utf8").catch(() => null),
      writeFile: (_name, contents) => {
        if (typeof contents !== "string") module = contents;
      },
    },
  );
  if (error !== null || module === undefined) throw new Error(`Cannot compile ${ENTRY}: ${stderr.toString()}`, { cause: error });
  return module;
}

if (process.argv[1] === import.meta.filename) await writeFile(join(FOLDER, "hit-scanner-wasm.ts"), await buildScanner());
