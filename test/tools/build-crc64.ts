// Compiles functions/redis/crc64.wat into crc64-wasm.ts: node test/tools/build-crc64.ts
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import wabt from "wabt";

const FOLDER = join(import.meta.dirname, "../../functions/redis");

/** The text of crc64-wasm.ts as crc64.wat makes it. */
export async function buildCrc64(): Promise<string> {
  const source = await readFile(join(FOLDER, "crc64.wat"), "utf8");
  const tools = await wabt();
  const module = tools.parseWat("crc64.wat", source);
  const { buffer } = module.toBinary({});
  module.destroy();
  const text = Buffer.from(buffer).toString("base64");
  const lines = (text.match(/.{1,120}/g) ?? []).map((line) => `  "${line}",`);
  return `// Made from crc64.wat by test/tools/build-crc64.ts; a unit test compares.\nexport const CRC64_WASM = [\n${lines.join("\n")}\n].join("");\n`;
}

if (process.argv[1] === import.meta.filename) await writeFile(join(FOLDER, "crc64-wasm.ts"), await buildCrc64());
