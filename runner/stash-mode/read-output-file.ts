import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { describeError } from "../errors.ts";
import { parseBytes, parseDuration } from "../kubernetes/go-format.ts";
import type { HostStats } from "../kubernetes/status-hosts.ts";
import { DEFAULT_HOST } from "../retention-scope.ts";

const count = z.int().min(0);
const duration = z.string().refine((text) => isReadable(() => parseDuration(text)), { error: "expected a duration" });
const size = z.string().refine((text) => isReadable(() => parseBytes(text)), { error: "expected a size" });
const snapshot = z.object({
  name: z.string(),
  path: z.string(),
  totalSize: size,
  uploaded: size,
  processingTime: z.string(),
  fileStats: z.object({ totalFiles: count, newFiles: count, modifiedFiles: count, unmodifiedFiles: count }),
});
const host = z.object({
  hostname: z.string().optional(),
  phase: z.enum(["Succeeded", "Failed"]),
  duration: duration.optional(),
  error: z.string().optional(),
  snapshots: z.array(snapshot).optional(),
});
const output = z.object({ targetStatus: z.object({ stats: z.tuple([host]) }) });

/**
 * The outcome that the step before left in `output.json`. A file that is missing or cannot be understood is a failure of the host: whatever happened,
 * nobody has said that it went well. So is a success that comes with an error, or that of a backup without a snapshot.
 */
export async function readOutputFile(directory: string, { isBackup }: { readonly isBackup: boolean }): Promise<HostStats> {
  const path = join(directory, "output.json");
  try {
    const [stats] = output.parse(JSON.parse(await readFile(path, "utf8"))).targetStatus.stats;
    return { ...stats, ...contradictionIn(stats, isBackup) };
  } catch (error) {
    const problem = error instanceof z.ZodError ? z.prettifyError(error).replace(/\s+/g, " ") : describeError(error);
    return { hostname: DEFAULT_HOST, phase: "Failed", error: `The step before left no outcome that can be read: ${problem}` };
  }
}

function contradictionIn(stats: HostStats, isBackup: boolean): Partial<HostStats> {
  const hasError = (stats.error ?? "") !== "";
  if (stats.phase === "Failed") return hasError ? {} : { error: "The step before failed without a word" };
  if (hasError) return { phase: "Failed" };
  if (isBackup && (stats.snapshots ?? []).length === 0) return { phase: "Failed", error: "The step before names no snapshot" };
  return {};
}

function isReadable(read: () => unknown): boolean {
  try {
    read();
    return true;
  } catch {
    // Which of its rules a text breaks does not matter to who reads the whole file.
    return false;
  }
}
