// Every command: its parameters, what must hold between them, and what it does.
import type { CommandSpec } from "./command-line.ts";
import { runDoctor } from "./doctor.ts";
import type { DoctorParameters } from "./doctor-objects.ts";
import { doctorParameters, doctorRules } from "./doctor-parameters.ts";
import type { DatabaseFunction } from "./function.ts";
import { type InspectParts, showSnapshots, verifyRepository } from "./inspect.ts";
import type { ParameterRules, ParametersOf, ParameterTable } from "./parameters.ts";
import { databaseRules, repositoryRules, sessionRules } from "./places.ts";
import type { Report, Success } from "./report.ts";
import { resolveParameters, showResolvedJobs } from "./resolve-command.ts";
import { runFunction } from "./run.ts";
import { backupParameters, restoreParameters, snapshotsParameters, verifyParameters } from "./runner-parameters.ts";
import { type StashManifestsParameters, showStashManifests, stashManifestsParameters } from "./stash-manifests.ts";
import { stashCommands } from "./stash-mode/stash-commands.ts";
import { updateStatus } from "./stash-mode/update-status.ts";
import { updateStatusParameters } from "./stash-mode/update-status-parameters.ts";

import { forgetSnapshotsCommand, pruneRepository } from "./tidy.ts";
import { forgetParameters, forgetRules, pruneParameters } from "./tidy-parameters.ts";

/** What every command takes. */
export type CommonParameters = Pick<
  ParametersOf<typeof snapshotsParameters>,
  "timeout" | "report" | "terminationLog" | "logFormat" | "logLevel" | "manifests" | "kubeconfig" | "master"
>;

export interface Command extends CommandSpec {
  readonly rules: ParameterRules;
  /** `values` are those of `parameters`. */
  execute(values: never, parts: InspectParts): Promise<Success>;
  /** Called before anything is done, and with the outcome at the very end; what the latter returns is the exit code. */
  readonly outputs?: CommandOutputs;
  /** Called by Stash's manifests, not by people. */
  readonly isForStash?: boolean;
}

/** Where a command leaves its outcome beside the report: Stash's output.json. */
export interface CommandOutputs {
  begin(values: never): void;
  conclude(values: never, report: Report): number;
  /** As `conclude`, for a command line that could not be read. */
  refuse(argv: readonly string[], report: Report): number;
}

export function commandsFor(functions: readonly DatabaseFunction[]): readonly Command[] {
  return [
    ...functions.map(runCommand),
    ...stashCommands(functions),
    {
      name: "update-status",
      summary: "Carry the outcome of the step before into the session's status, called as Stash calls it",
      parameters: updateStatusParameters,
      rules: () => [],
      isForStash: true,
      execute: updateStatus,
    },
    {
      name: "snapshots",
      summary: "List the snapshots in a repository",
      parameters: snapshotsParameters,
      rules: repositoryRules,
      execute: showSnapshots,
    },
    {
      name: "verify",
      summary: "Read back what is stored and prove that it is what was written",
      parameters: verifyParameters,
      rules: repositoryRules,
      execute: verifyRepository,
    },
    {
      name: "forget",
      summary: "Remove snapshots by a policy, or one by its id",
      parameters: forgetParameters,
      rules: forgetRules,
      execute: forgetSnapshotsCommand,
    },
    {
      name: "prune",
      summary: "Remove the data that no snapshot needs any more",
      parameters: pruneParameters,
      rules: repositoryRules,
      execute: pruneRepository,
    },
    {
      name: "doctor",
      summary: "Look whether everything that a backup or a restore needs is there: objects, rights, store, database",
      parameters: doctorParameters,
      rules: (values) => doctorRules(values, functions),
      execute: (values: DoctorParameters, parts) => runDoctor(values, { ...parts, functions }),
    },
    {
      name: "resolve",
      summary: "Print the Job that a session becomes",
      parameters: resolveParameters,
      rules: () => [],
      execute: showResolvedJobs,
    },
    {
      name: "stash-manifests",
      summary: "Print Stash's Functions and Tasks with our image",
      parameters: stashManifestsParameters,
      rules: () => [],
      execute: (values: StashManifestsParameters, parts) => showStashManifests(values, { ...parts, functions }),
    },
  ];
}

function runCommand(fn: DatabaseFunction): Command {
  const parameters: ParameterTable = { ...(fn.kind === "backup" ? backupParameters : restoreParameters), ...fn.parameters };
  return {
    name: fn.name,
    summary: fn.summary,
    parameters,
    rules: (values) => [...databaseRules(values), ...repositoryRules(values), ...sessionRules(values)],
    execute: (values: never, parts) => runFunction(fn, values, parts),
  };
}
