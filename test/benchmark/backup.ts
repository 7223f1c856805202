import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { RedisServer } from "../servers/redis-server.ts";
import { type Contender, type ContestOptions, compete, type Results } from "./contest.ts";
import { measure, type Program } from "./measure.ts";
import type { Programs } from "./programs.ts";

export const BACKUP_BASELINE = "redis-cli --rdb";

export interface BackupContest extends ContestOptions {
  readonly programs: Programs;
  /** For the directory store. */
  readonly directory: string;
  readonly s3: S3Place;
}

export interface S3Place {
  readonly endpoint: string;
  readonly bucket: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Reads the same server in every way, each run into a place of its own. */
export async function contestBackup(server: RedisServer, contest: BackupContest): Promise<{ results: Results; storedBytes: number }> {
  const { programs, directory, s3 } = contest;
  const url = `redis://127.0.0.1:${server.port}`;
  let runs = 0;
  let storedBytes = 0;
  const contender = (name: string, program: () => Program): Contender => ({ name, measure: () => measure(program(), server) });
  const toS3 = (): Program => {
    const store = `s3://${s3.bucket}/run-${++runs}`;
    const program = programs.holdfast("redis-backup", "--url", url, "--store", store, "--s3-endpoint", s3.endpoint);
    return { ...program, env: { ...program.env, ...s3.env } };
  };
  const contenders: Contender[] = [
    contender(BACKUP_BASELINE, () => ({ command: "redis-cli", args: ["-p", String(server.port), "--rdb", "-"], isQuiet: true })),
    contender("holdfast to nowhere", () => programs.nullBackup(url)),
    {
      name: "holdfast to a directory",
      async measure() {
        const store = join(directory, `run-${++runs}`);
        const measurement = await measure(programs.holdfast("redis-backup", "--url", url, "--store", store), server);
        storedBytes = await sizeOf(store);
        await rm(store, { recursive: true });
        return measurement;
      },
    },
    contender("holdfast to S3", toS3),
  ];
  return { results: await compete(contenders, contest), storedBytes };
}

async function sizeOf(directory: string): Promise<number> {
  const names = await readdir(directory, { recursive: true });
  const files = await Promise.all(names.map((name) => stat(join(directory, name))));
  return files.reduce((sum, file) => sum + (file.isFile() ? file.size : 0), 0);
}
