// The process behind probe.ts. Each GET is timed from its sending; the next one does not wait for it.
import { setPriority } from "node:os";
import { connectResp } from "../tools/resp.ts";

const EVERY_MS = 10;

const connection = await connectResp({ host: "127.0.0.1", port: Number(process.argv[2]) });
// the probe's own wait for a processor is not the server's delay; only root may ask for this
if (process.getuid?.() === 0) setPriority(-15);
const delays: number[] = [];
await connection.call("GET", "counter:0");
process.send?.("ready");

let isStopping = false;
let pending = 0;
process.once("message", () => {
  isStopping = true;
});

let due = performance.now();
function probe(): void {
  const sent = performance.now();
  pending += 1;
  connection.call("GET", `counter:${delays.length % 100}`).then(
    () => {
      delays.push(performance.now() - sent);
      pending -= 1;
      if (isStopping && pending === 0) process.send?.(delays, () => process.exit(0));
    },
    (error: Error) => {
      process.stderr.write(`${error.message}\n`);
      process.exit(1);
    },
  );
  due += EVERY_MS;
  if (!isStopping) setTimeout(probe, Math.max(0, due - performance.now()));
}
probe();
