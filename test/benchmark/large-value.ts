import { join } from "node:path";
import { startRedis } from "../servers/redis-server.ts";
import { fillRedis } from "../tools/redis-dataset.ts";
import { describeData, expectSameData } from "../tools/redis-equality.ts";
import { runMeasured } from "./measure.ts";
import type { Programs } from "./programs.ts";
import { markdownTable } from "./table.ts";

/** How much memory it takes to carry one string of so many MiB (512 is the most a server takes): a table. */
export async function tellLargeValue(programs: Programs, directory: string, mebibytes: number): Promise<string> {
  const store = join(directory, "large");
  await using source = await startRedis();
  await fillRedis(source, { hugeStringBytes: mebibytes * 1024 * 1024 });
  await using target = await startRedis();
  const run = (verb: string, port: number) => runMeasured(programs.holdfast(verb, "--url", `redis://127.0.0.1:${port}`, "--store", store));

  const backup = await run("redis-backup", source.port);
  const restore = await run("redis-restore", target.port);
  expectSameData(await describeData(source), await describeData(target));

  const rows = Object.entries({ backup, restore }).map(([name, one]) => {
    return [name, one.wallSeconds.toFixed(1), one.clientCpuSeconds.toFixed(1), ((one.clientPeakBytes ?? Number.NaN) / 1e6).toFixed(0)];
  });
  return markdownTable([`one string of ${mebibytes} MiB`, "wall s", "client CPU s", "client peak MB"], rows);
}
