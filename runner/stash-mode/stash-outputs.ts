import type { CommandOutputs } from "../commands.ts";
import { formatDuration } from "../kubernetes/go-format.ts";
import type { HostStats } from "../kubernetes/status-hosts.ts";
import type { SnapshotStats } from "../kubernetes/status-snapshot.ts";
import type { TargetRef } from "../kubernetes/status-target.ts";
import type { Report } from "../report.ts";
import { writeOutputFile } from "./output-file.ts";
import type { StashPlaceParameters } from "./stash-parameters.ts";
import { type AppBindingFlags, appBindingName } from "./stash-places.ts";

export interface StashOutputs extends CommandOutputs {
  /** Told of the snapshot once it is committed. */
  committed(snapshot: SnapshotStats): void;
}

/**
 * Leaves output.json: first as a failure that has not ended, at the end with the truth. Once that is written the exit code is 0 whatever came of the
 * work, since any other would keep update-status from being started; only who sent a signal is answered by 143 or 130. Without --output-dir, and when
 * the file cannot be written, the exit code is the truth.
 */
export function stashOutputs(command: string): StashOutputs {
  let snapshot: SnapshotStats | undefined;
  return {
    committed: (stats) => {
      snapshot = stats;
    },
    begin(values: StashPlaceParameters): void {
      if (values.outputDir === undefined) return;
      const error = `${command} has not ended: if its container is gone, it was killed`;
      writeOutputFile(values.outputDir, { ref: refOf(values), stats: { hostname: values.hostname, phase: "Failed", error } });
    },
    conclude(values: StashPlaceParameters, report): number {
      if (values.outputDir === undefined) return report.code;
      writeOutputFile(values.outputDir, { ref: refOf(values), stats: statsOf(report, values.hostname, snapshot) });
      return exitCodeAfter(report);
    },
    refuse(argv, report): number {
      const directory = flagIn(argv, "output-dir");
      if (directory === "") return report.code;
      const namespace = flagIn(argv, "appbinding-namespace") || flagIn(argv, "namespace") || "default";
      const ref = refOf({ namespace, appbinding: flagIn(argv, "appbinding") });
      writeOutputFile(directory, { ref, stats: statsOf(report, flagIn(argv, "hostname") || "host-0", undefined) });
      return exitCodeAfter(report);
    },
  };
}

function exitCodeAfter({ code }: Report): number {
  return code === 143 || code === 130 ? code : 0;
}

function refOf(flags: AppBindingFlags): TargetRef {
  const { name, namespace } = appBindingName(flags);
  return { apiVersion: "appcatalog.appscode.com/v1alpha1", kind: "AppBinding", name, namespace };
}

/** Readers tell a success by the missing error. */
function statsOf(report: Report, hostname: string, snapshot: SnapshotStats | undefined): HostStats {
  const duration = formatDuration(report.durationSeconds * 1000);
  if (report.outcome === "Succeeded") {
    return { hostname, phase: "Succeeded", ...(snapshot === undefined ? {} : { snapshots: [snapshot] }), duration };
  }
  const words = [report.message || report.reason, report.hint].filter((part) => part !== undefined);
  return { hostname, phase: "Failed", duration, error: words.join(". ") };
}

/** The value of a flag on a command line that could not be read; the last one counts. */
function flagIn(argv: readonly string[], flag: string): string {
  const start = `--${flag}=`;
  for (let at = argv.length - 1; at >= 0; at -= 1) {
    const word = argv[at] as string;
    if (word.startsWith(start)) return word.slice(start.length);
    if (word === `--${flag}`) return argv[at + 1] ?? "";
  }
  return "";
}
