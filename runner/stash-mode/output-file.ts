// output.json: how Stash's addons tell update-status, the next container of the Job, what came of their work.
import { randomBytes } from "node:crypto";
import { closeSync, fchmodSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ParameterError } from "../errors.ts";
import type { HostStats } from "../kubernetes/status-hosts.ts";
import type { TargetRef } from "../kubernetes/status-target.ts";

/**
 * Writes `output.json` into the directory, which is made when it is missing: whole or not at all, and on the disk when this returns. Others may read
 * it, since the next container may run as another user; none may write it.
 * @throws ParameterError
 */
export function writeOutputFile(directory: string, output: { readonly ref: TargetRef; readonly stats: HostStats }): void {
  const text = `${JSON.stringify({ targetStatus: { ref: output.ref, stats: [output.stats] } }, undefined, 2)}\n`;
  try {
    mkdirSync(directory, { recursive: true, mode: 0o755 });
    replaceFile(join(directory, "output.json"), text);
    syncFolder(directory);
  } catch (cause) {
    throw new ParameterError(`Cannot write output.json into "${directory}"`, {
      cause,
      hint: "Check --output-dir: without this file nobody learns what came of the run",
    });
  }
}

function replaceFile(path: string, text: string): void {
  const temporary = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  try {
    const file = openSync(temporary, "wx", 0o600);
    try {
      writeFileSync(file, text);
      fchmodSync(file, 0o644);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

function syncFolder(directory: string): void {
  const folder = openSync(directory, "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
