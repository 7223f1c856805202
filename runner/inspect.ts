import { IncompleteError } from "./errors.ts";
import type { ParametersOf } from "./parameters.ts";
import { findRepository, type RepositoryParameters } from "./places.ts";
import type { Success } from "./report.ts";
import type { RunParts } from "./run.ts";
import type { snapshotsParameters, verifyParameters } from "./runner-parameters.ts";
import { listSnapshots } from "./snapshot/list-snapshots.ts";
import { DAMAGE_REASONS } from "./snapshot/repair-repository.ts";
import { openRepository, type Repository } from "./snapshot/repository.ts";
import { type VerifyProblem, type VerifyReport, verifySnapshots } from "./snapshot/verify.ts";
import { openStore } from "./storage/open-store.ts";
import { summarizeSnapshot } from "./summarize-snapshot.ts";
import { warnOfUnverifiedTls } from "./warn-of-unverified-tls.ts";

export interface InspectParts extends RunParts {
  /** Writes a command's result, for a person or a program; whole lines. Settles when it was taken. */
  print(text: string): Promise<void>;
}

/** Lists the snapshots that are committed, oldest first. A manifest that cannot be believed is named and fails the command after the list. */
export async function showSnapshots(parameters: ParametersOf<typeof snapshotsParameters>, parts: InspectParts): Promise<Success> {
  const repository = await openNamed(parameters, parts);
  const { manifests, damaged } = await listSnapshots(repository, { signal: parts.signal });
  const rows = manifests.map(summarizeSnapshot);
  const printed = parts.print(parameters.json ? `${JSON.stringify(rows, undefined, 2)}\n` : asTable(rows));
  if (damaged.length > 0) {
    // What was found matters more than an output that failed.
    await Promise.allSettled([printed]);
    const names = damaged.map(({ key, problem }) => `"${key}": ${problem}`).join("; ");
    throw new IncompleteError(`${damaged.length} manifest(s) cannot be believed: ${names}`, { reason: "ManifestDamaged" });
  }
  await printed;
  return { message: `${rows.length} snapshot(s)`, counts: { snapshots: rows.length } };
}

/** Reads back what is stored, all or a sample; anything that differs is named and fails the command. */
export async function verifyRepository(parameters: ParametersOf<typeof verifyParameters>, parts: InspectParts): Promise<Success> {
  const damage: VerifyProblem[] = [];
  const warn = (reason: string, message: string) => {
    parts.warn(reason, message);
    if (DAMAGE_REASONS.has(reason)) damage.push({ key: /^"([^"]*)"/.exec(message)?.[1] ?? "", problem: message });
  };
  const repository = await openNamed(parameters, { ...parts, warn });
  const { signal, progress } = parts;
  const found = await verifySnapshots(repository, {
    snapshot: parameters.snapshot,
    samplePercent: parameters.sample,
    signal,
    progress: ({ bytes, objects: items, totalObjects: totalItems }) => progress({ phase: "Verifying", bytes, items, totalItems }),
  });
  const report = { ...found, problems: [...damage, ...found.problems] };
  const { snapshots, objects, objectsRead, bytesRead, problems } = report;
  const printed = parts.print(parameters.json ? `${JSON.stringify(report, undefined, 2)}\n` : describeReport(report));
  const counts = { snapshots, objects, objectsRead, bytesRead, problems: problems.length };
  if (problems.length > 0) {
    await Promise.allSettled([printed]);
    const first = problems[0] as { key: string; problem: string };
    const message = `Verification found ${problems.length} problem(s), the first in "${first.key}": ${first.problem}`;
    throw new IncompleteError(message, { reason: "VerificationFailed", facts: { ...counts, problems } });
  }
  await printed;
  return { message: "Everything read is as it was written", counts };
}

function describeReport({ snapshots, objects, objectsRead, problems }: VerifyReport): string {
  if (problems.length > 0) return problems.map((problem) => `${describeProblem(problem)}\n`).join("");
  return `${snapshots} snapshot(s), ${objectsRead} of ${objects} object(s) read: everything is as it was written\n`;
}

function describeProblem({ key, problem, snapshots = [] }: VerifyProblem): string {
  const shared = snapshots.length === 0 ? "" : ` (shared by ${snapshots.length} snapshots, from ${snapshots[0]} to ${snapshots.at(-1)})`;
  return `${key}: ${problem}${shared}`;
}

/** Opens the repository that the parameters name. */
export async function openNamed(parameters: RepositoryParameters, parts: InspectParts): Promise<Repository> {
  const place = await findRepository(parameters, parts.sources);
  warnOfUnverifiedTls({ repository: place }, parts.warn);
  const store = openStore(place.location, place.options);
  return openRepository(store, { passphrase: place.passphrase, signal: parts.signal, warn: parts.warn });
}

function asTable(rows: readonly ReturnType<typeof summarizeSnapshot>[]): string {
  if (rows.length === 0) return "No snapshots\n";
  const header = ["ID", "ENGINE", "TARGET", "HOST", "FINISHED", "RAW", "STORED", "ADDED"];
  const cells = rows.map((row) => [
    row.id,
    row.engine,
    row.target,
    row.host,
    row.finished,
    megabytes(row.rawBytes),
    megabytes(row.storedBytes),
    megabytes(row.addedBytes),
  ]);
  const widths = header.map((title, column) => Math.max(title.length, ...cells.map((line) => (line[column] as string).length)));
  return [header, ...cells]
    .map(
      (line) =>
        `${line
          .map((cell, column) => cell.padEnd(widths[column] as number))
          .join("  ")
          .trimEnd()}\n`,
    )
    .join("");
}

function megabytes(bytes: number): string {
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
