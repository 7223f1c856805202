// What the kernel says of a process: CPU seconds in ticks of 10 ms, memory in bytes.
import { readFile } from "node:fs/promises";

export interface CpuUsage {
  /** Seconds of the process itself, user and system. */
  readonly own: number;
  /** Seconds of its children that ended and were waited for. */
  readonly children: number;
}

const TICKS_A_SECOND = 100;

export async function cpuUsage(pid: number | "self"): Promise<CpuUsage> {
  const text = await readFile(`/proc/${pid}/stat`, "latin1");
  // the second field is the program's name in parentheses, and may hold blanks
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const [user, system, childUser, childSystem] = fields.slice(11, 15).map((ticks) => Number(ticks) / TICKS_A_SECOND);
  return { own: (user ?? Number.NaN) + (system ?? Number.NaN), children: (childUser ?? Number.NaN) + (childSystem ?? Number.NaN) };
}

/** Most memory the process has held so far (VmHWM); undefined once it has ended. */
export async function peakMemory(pid: number): Promise<number | undefined> {
  const text = await readFile(`/proc/${pid}/status`, "latin1").catch(() => "");
  const kilobytes = /^VmHWM:\s+(\d+) kB/m.exec(text)?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
}
