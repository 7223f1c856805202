// A process: reads an RDB file, writes the RESTORE commands that make it again, for `redis-cli --pipe`. The same walker as the product's,
// without its connections, policies and checks: what a hand-made pipeline would do at best.
import { once } from "node:events";
import { createReadStream } from "node:fs";
import { createCrcMemory } from "../../functions/redis/crc64.ts";
import { EVENT } from "../../functions/redis/rdb-events.ts";
import { RdbWalker } from "../../functions/redis/rdb-walker.ts";

const LARGEST_VALUE = 128 * 1024 * 1024;
const FUNCTION_OPCODE = 245;
const OUTPUT_BYTES = 1024 * 1024;

const memory = createCrcMemory(3 * LARGEST_VALUE);
const payloadStart = memory.start + 2 * LARGEST_VALUE;
const walker = new RdbWalker(memory.bytes.subarray(memory.start, payloadStart));
let output = Buffer.allocUnsafe(OUTPUT_BYTES);
let used = 0;

for await (const chunk of createReadStream(process.argv[2] ?? "/dev/stdin", { highWaterMark: 1024 * 1024 })) {
  for (let taken = 0; taken < chunk.length; ) {
    taken += walker.fill(chunk, taken);
    await convert();
  }
}
walker.finish();
await flush();

async function convert(): Promise<void> {
  for (;;) {
    const event = walker.next();
    if (event === EVENT.needInput) return;
    if (event === EVENT.part) throw new Error("A value is larger than this program can hold");
    if (event === EVENT.database) write(["SELECT", String(walker.database)]);
    else if (event === EVENT.library) write(["FUNCTION", "RESTORE", payload(FUNCTION_OPCODE)]);
    else if (event === EVENT.record) write(["RESTORE", walker.key(), String(walker.expiresAtMs), payload(walker.type), "ABSTTL"]);
    if (used > OUTPUT_BYTES / 2) await flush();
  }
}

function payload(type: number): Buffer {
  const from = memory.start + walker.valueStart;
  const end = memory.exports.payload(payloadStart, type, from, walker.valueEnd - walker.valueStart, walker.header.version);
  return memory.bytes.subarray(payloadStart, end);
}

function write(command: readonly (string | Buffer)[]): void {
  const size = command.reduce((sum, part) => sum + part.length + 32, 32);
  if (output.length - used < size) output = Buffer.concat([output.subarray(0, used)], used + Math.max(size, OUTPUT_BYTES));
  used += output.write(`*${command.length}\r\n`, used);
  for (const part of command) {
    used += output.write(`$${part.length}\r\n`, used);
    used += typeof part === "string" ? output.write(part, used) : part.copy(output, used);
    used += output.write("\r\n", used);
  }
}

async function flush(): Promise<void> {
  const isRoomy = process.stdout.write(output.subarray(0, used));
  output = Buffer.allocUnsafe(OUTPUT_BYTES);
  used = 0;
  if (!isRoomy) await once(process.stdout, "drain");
}
