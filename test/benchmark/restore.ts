import type { RedisServer } from "../servers/redis-server.ts";
import { startRedis } from "../servers/redis-server.ts";
import { type DataDescription, describeData, expectSameData } from "../tools/redis-equality.ts";
import { type Contender, type ContestOptions, compete, type Results } from "./contest.ts";
import { type Measurement, measure, type Program } from "./measure.ts";
import { cpuUsage } from "./process-usage.ts";
import type { Programs } from "./programs.ts";

export const RESTORE_BASELINES = ["server's own load", "frames from a file"] as const;

export interface RestoreContest extends ContestOptions {
  readonly programs: Programs;
  /** A directory with the data as `dump.rdb`. */
  readonly rdbDirectory: string;
  /** The same as RESTORE commands. */
  readonly frames: string;
  /** A repository of ours that holds the same. */
  readonly store: string;
  /** What every target must hold in the end. */
  readonly expected: DataDescription;
}

/** Fills a new, empty server in every way; what it holds afterwards is compared with the original. */
export async function contestRestore(contest: RestoreContest): Promise<Results> {
  const { programs, rdbDirectory, frames, store } = contest;
  const onTheFly = [programs.restoreFrames(`${rdbDirectory}/dump.rdb`)].map(({ command, args }) => [command, ...args].join(" "))[0];
  const contenders: Contender[] = [
    { name: RESTORE_BASELINES[0], measure: () => loadAtStart(contest) },
    intoEmptyServer(contest, RESTORE_BASELINES[1], (server) => ({ command: "redis-cli", args: pipeArguments(server), input: frames })),
    intoEmptyServer(contest, "frames made meanwhile", (server) => {
      return {
        command: "bash",
        isShell: true,
        args: ["-c", `set -o pipefail; ${onTheFly} | redis-cli ${pipeArguments(server).join(" ")}`],
      };
    }),
    intoEmptyServer(contest, "holdfast from a directory", (server) =>
      programs.holdfast("redis-restore", "--url", `redis://127.0.0.1:${server.port}`, "--store", store),
    ),
  ];
  return compete(contenders, contest);
}

function pipeArguments(server: RedisServer): string[] {
  return ["-p", String(server.port), "--pipe"];
}

function intoEmptyServer(contest: RestoreContest, name: string, program: (server: RedisServer) => Program): Contender {
  return {
    name,
    async measure() {
      await using server = await startRedis();
      const before = await describeData(server);
      if (before.databases.size > 0 || before.functions.size > 0) throw new Error("The target is not empty");
      const measurement = await measure(program(server), server);
      expectSameData(contest.expected, await describeData(server, { maxNamedValues: 0 }));
      return measurement;
    },
  };
}

/** The limit: no protocol, no client. Its CPU time includes the start of the process. */
async function loadAtStart(contest: RestoreContest): Promise<Measurement> {
  const started = performance.now();
  await using server = await startRedis({ arguments: ["--dir", contest.rdbDirectory] });
  while (!/^loading:0/m.test(await server.cli("INFO", "persistence"))) await new Promise((resolve) => setTimeout(resolve, 10));
  const wallSeconds = (performance.now() - started) / 1000;
  const { own } = await cpuUsage(server.pid);
  expectSameData(contest.expected, await describeData(server, { maxNamedValues: 0 }));
  return {
    wallSeconds,
    clientCpuSeconds: 0,
    clientPeakBytes: undefined,
    serverCpuSeconds: own,
    serverChildCpuSeconds: 0,
    delays: undefined,
  };
}
