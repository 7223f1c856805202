import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { describeError } from "../errors.ts";
import type { HostStats } from "../kubernetes/status-hosts.ts";
import { DEFAULT_HOST } from "../retention-scope.ts";

const count = z.int().min(0);
const snapshot = z.object({
  name: z.string(),
  path: z.string(),
  totalSize: z.string(),
  uploaded: z.string(),
  processingTime: z.string(),
  fileStats: z.object({ totalFiles: count, newFiles: count, modifiedFiles: count, unmodifiedFiles: count }),
});
const host = z.object({
  hostname: z.string().optional(),
  phase: z.enum(["Succeeded", "Failed"]),
  duration: z.string().optional(),
  error: z.string().optional(),
  snapshots: z.array(snapshot).optional(),
});
const output = z.object({ targetStatus: z.object({ stats: z.tuple([host]) }) });

/**
 * The outcome that the step before left in `output.json`. A file that is missing or cannot be understood is a failure of the host: whatever happened,
 * nobody has said that it went well.
 */
export async function readOutputFile(directory: string): Promise<HostStats> {
  const path = join(directory, "output.json");
  try {
    const [stats] = output.parse(JSON.parse(await readFile(path, "utf8"))).targetStatus.stats;
    return stats;
  } catch (error) {
    const problem = error instanceof z.ZodError ? z.prettifyError(error).replace(/\s+/g, " ") : describeError(error);
    return { hostname: DEFAULT_HOST, phase: "Failed", error: `The step before left no outcome that can be read: ${problem}` };
  }
}
