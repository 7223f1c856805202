// Stash mode: the command line of Stash's own addons, so that an installation changes an image and keeps every manifest.
import { type BackupPlan, backUp } from "../back-up.ts";
import type { Command } from "../commands.ts";
import { ParameterError } from "../errors.ts";
import type { BackupFunction, DatabaseFunction, RestoreFunction, StashArguments, StashCommand } from "../function.ts";
import { type ParametersOf, type ParameterTable, parseParameters } from "../parameters.ts";
import type { DatabasePlace } from "../places.ts";
import type { Success } from "../report.ts";
import { restoreSnapshot } from "../restore-snapshot.ts";
import type { RunParts } from "../run.ts";
import { type BackupSessionWriter, openBackupSession } from "../session.ts";
import { statsOfSnapshot } from "../session-snapshot.ts";
import { type StashOutputs, stashOutputs } from "./stash-outputs.ts";
import {
  addonParameters,
  ignoredParameters,
  type StashBackupParameters,
  type StashPlaceParameters,
  type StashRestoreParameters,
  stashBackupParameters,
  stashRestoreParameters,
} from "./stash-parameters.ts";
import { appBindingName, findStashDatabase, findStashRepository } from "./stash-places.ts";

/** The commands of Stash's addons for the functions that know them. */
export function stashCommands(functions: readonly DatabaseFunction[]): readonly Command[] {
  return functions.flatMap((fn) => (fn.stash === undefined ? [] : [stashCommand(fn, fn.stash)]));
}

function stashCommand(fn: DatabaseFunction, stash: StashCommand): Command {
  const outputs = stashOutputs(stash.name);
  const shared = fn.kind === "backup" ? stashBackupParameters : stashRestoreParameters;
  const parameters = { ...fn.parameters, ...shared, ...addonParameters(stash) };
  return {
    name: stash.name,
    summary: `${fn.summary}, called as Stash calls its addon`,
    parameters,
    rules: () => [],
    isForStash: true,
    outputs,
    execute: (values: never, parts) =>
      fn.kind === "backup" ? runBackup(fn, values, { ...parts, outputs }) : runRestore(fn, values, parts),
  };
}

async function runBackup(fn: BackupFunction, values: StashBackupParameters, parts: RunParts & { outputs: StashOutputs }): Promise<Success> {
  const given = readArguments(fn, values, parts);
  const session = await openSession(values, parts);
  const plan: BackupPlan = {
    ...(await findPlaces(values, given, parts)),
    host: values.hostname,
    invoker: session && { kind: session.invoker.kind, name: session.invoker.name, namespace: session.invoker.namespace },
    parameters: given.parameters,
    waitTimeoutMs: values.waitTimeout,
    verifyAfter: values.verifyAfter,
    ...(session && { onRepository: (outcome) => session.repositoryInitialized(outcome) }),
  };
  const { manifest, success } = await backUp(fn, plan, parts);
  const durationMs = Date.parse(manifest.finished) - Date.parse(manifest.started);
  parts.outputs.committed(statsOfSnapshot(manifest, { durationMs, path: values.shownPath }));
  return success;
}

async function runRestore(fn: RestoreFunction, values: StashRestoreParameters, parts: RunParts): Promise<Success> {
  if (values.snapshot.includes(",")) {
    throw new ParameterError(`--snapshot names several snapshots, "${values.snapshot}": one is restored at a time`, {
      hint: "Name one in the RestoreSession's rule: each snapshot holds the whole database",
    });
  }
  const given = readArguments(fn, values, parts);
  const places = await findPlaces(values, given, parts);
  const host = values.sourceHostname ?? values.hostname;
  const { success } = await restoreSnapshot(
    fn,
    {
      ...places,
      // `latest` is the target's own, never that of another one in the same repository
      selector: { id: values.snapshot, target: places.database.target, host },
      parameters: given.parameters,
      waitTimeoutMs: values.waitTimeout,
    },
    parts,
  );
  return success;
}

interface Given {
  readonly parameters: ParametersOf<ParameterTable>;
  readonly connect: StashArguments["connect"];
}

/** The function's own parameters, what the users' arguments say over what the flags say. */
function readArguments(fn: DatabaseFunction, values: StashBackupParameters | StashRestoreParameters, { log, warn }: RunParts): Given {
  const words = (values.userArguments ?? "").split(/\s+/).filter((word) => word !== "");
  const { flags, warnings, words: understood, connect } = (fn.stash as StashCommand).readArguments(words);
  const all: Readonly<Record<string, unknown>> = { ...values };
  const table: ParameterTable = fn.parameters;
  const named = Object.entries(table).filter(([, { flag }]) => flags[flag] !== undefined);
  const own = Object.fromEntries(Object.keys(table).map((name) => [name, all[name]]));
  const parameters = { ...own, ...parseParameters(Object.fromEntries(named), { flags, environment: {} }) };
  for (const message of warnings) warn("StashArguments", message);
  const ignored = Object.entries(ignoredParameters).filter(([name]) => all[name] !== undefined && all[name] !== false);
  log.debug("Called as Stash calls its addon", { arguments: understood, withoutEffect: ignored.map(([, { flag }]) => `--${flag}`) });
  return { parameters, connect };
}

async function findPlaces(values: StashPlaceParameters, { connect }: Given, { sources }: RunParts) {
  const found = await findStashDatabase(values, sources);
  const database: DatabasePlace = { ...found, connection: connect(found.connection) };
  return { database, repository: await findStashRepository(values, sources) };
}

async function openSession(
  values: StashBackupParameters,
  { sources, signal, log, warn, redact }: RunParts,
): Promise<BackupSessionWriter | undefined> {
  if (values.backupsession === undefined) return undefined;
  const session = await openBackupSession(await sources.cluster(), {
    session: { namespace: values.namespace, name: values.backupsession },
    target: { apiVersion: "appcatalog.appscode.com/v1alpha1", kind: "AppBinding", ...appBindingName(values) },
    ...{ signal, log, warn, redact },
  });
  await session.waitForTarget();
  return session;
}
