// The program as a process: the bundle when it was made (`make test` does), the sources through ./holdfast otherwise.
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import type { Report } from "../../runner/report.ts";

export const ROOT = join(import.meta.dirname, "../..");
export const PASSPHRASE = "correct horse battery staple";
const BUNDLE = join(ROOT, "dist/holdfast.mjs");

export interface Outcome {
  readonly exitCode: number | undefined;
  /** The signal that killed it, if one did. */
  readonly signal: string | undefined;
  readonly stdout: string;
  /** The log. */
  readonly stderr: string;
  /** What --report wrote; undefined when the process did not come that far. */
  readonly report: Report | undefined;
}

/** Dispose kills what still runs. */
export interface RunningHoldfast extends AsyncDisposable {
  readonly pid: number;
  readonly outcome: Promise<Outcome>;
  kill(signal: "SIGTERM" | "SIGINT" | "SIGKILL"): void;
  /** Resolves when the log holds the text. */
  logged(text: string): Promise<void>;
}

export interface HoldfastOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Words before the program: ["unshare", "-rm", …]. */
  readonly prefix?: readonly string[];
}

/** Runs the program to its end, whatever that is. RESTIC_PASSWORD is set, and nothing else of this process's environment but PATH. */
export function runHoldfast(args: readonly string[], options: HoldfastOptions = {}): Promise<Outcome> {
  return startHoldfast(args, options).outcome;
}

export function startHoldfast(args: readonly string[], options: HoldfastOptions = {}): RunningHoldfast {
  const program = existsSync(BUNDLE) ? [process.execPath, BUNDLE] : [join(ROOT, "holdfast")];
  const folder = mkdtempSync(join(tmpdir(), "holdfast-report-"));
  const reportFile = join(folder, "report.json");
  const env = { PATH: process.env.PATH ?? "", HOLDFAST_REPORT: reportFile, RESTIC_PASSWORD: PASSPHRASE, ...options.env };
  const [file, ...words] = [...(options.prefix ?? []), ...program, ...args] as [string, ...string[]];
  const child = execa(file, words, { env, extendEnv: false, stdin: "ignore", reject: false, timeout: 120_000, killSignal: "SIGKILL" });
  const finish = async (): Promise<Outcome> => {
    const { exitCode, signal, stdout, stderr } = await child;
    const report = existsSync(reportFile) ? (JSON.parse(readFileSync(reportFile, "utf8")) as Report) : undefined;
    rmSync(folder, { recursive: true, force: true });
    return { exitCode, signal, stdout, stderr, report };
  };
  const logged = (text: string) =>
    new Promise<void>((resolve, reject) => {
      let seen = "";
      child.stderr.on("data", (chunk: Buffer) => {
        seen += chunk.toString();
        if (seen.includes(text)) resolve();
      });
      child.stderr.once("end", () => reject(new Error(`The process ended before it logged "${text}":\n${seen}`)));
    });
  const outcome = finish();
  return {
    pid: child.pid ?? -1,
    outcome,
    kill: (signal) => void child.kill(signal),
    logged,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await outcome;
    },
  };
}
