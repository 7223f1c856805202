// Watches how long a server keeps others waiting: a process of its own that sends 100 GETs a second, whether answered or not.
import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

export interface Delays {
  readonly samples: number;
  readonly medianMs: number;
  readonly p99Ms: number;
  readonly worstMs: number;
}

export interface Probe {
  /** Ends the process. */
  stop(): Promise<Delays>;
}

/** Starts probing; resolves when the first GET was answered. */
export async function startProbe(port: number): Promise<Probe> {
  const child = fork(join(import.meta.dirname, "probe-process.ts"), [String(port)], {
    execArgv: ["--disable-warning=ExperimentalWarning"],
  });
  const failed = once(child, "exit").then(([code]) => {
    throw new Error(`The probe ended by itself with exit code ${code}`);
  });
  failed.catch(() => {});
  await Promise.race([once(child, "message"), failed]);
  return {
    async stop() {
      child.send("stop");
      const [delays] = (await Promise.race([once(child, "message"), failed])) as number[][];
      await once(child, "exit");
      return summarize(delays ?? []);
    },
  };
}

function summarize(delays: readonly number[]): Delays {
  const sorted = delays.toSorted((left, right) => left - right);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  return { samples: sorted.length, medianMs: at(0.5), p99Ms: at(0.99), worstMs: at(1) };
}
