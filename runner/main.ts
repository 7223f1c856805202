// Composition root: argv, environment, adapters, exit code. `process` is used here and in shutdown.ts only.
import { closeSync, existsSync, openSync, writeFileSync, writeSync } from "node:fs";
import { functions } from "../functions/index.ts";
import { type CommandSpec, parseCommandLine } from "./command-line.ts";
import { describeError, exitCodeOf, HoldfastError } from "./errors.ts";
import type { Log } from "./function.ts";
import { type InspectParts, showSnapshots, verifyRepository } from "./inspect.ts";
import { createLog } from "./log.ts";
import { type ParameterRules, type ParametersOf, type ParameterTable, parseParameters } from "./parameters.ts";
import { databaseRules, repositoryRules } from "./places.ts";
import { type ProgressDisplay, showProgress } from "./progress.ts";
import { Redaction } from "./redaction.ts";
import { type Report, reportFailure, reportSuccess, runningMessage, type Success, terminationMessage } from "./report.ts";
import { runFunction } from "./run.ts";
import { backupParameters, restoreParameters, snapshotsParameters, verifyParameters } from "./runner-parameters.ts";
import { listenForShutdown } from "./shutdown.ts";
import { version } from "./version.ts";

type CommonParameters = Pick<ParametersOf<typeof snapshotsParameters>, "timeout" | "report" | "terminationLog" | "logFormat" | "logLevel">;

interface Command extends CommandSpec {
  readonly rules: ParameterRules;
  /** `values` are those of `parameters`. */
  execute(values: never, parts: InspectParts): Promise<Success>;
}

const commands: readonly Command[] = [
  ...functions.map((fn) => ({
    name: fn.name,
    summary: fn.summary,
    parameters: { ...(fn.kind === "backup" ? backupParameters : restoreParameters), ...fn.parameters } as ParameterTable,
    rules: (values: Readonly<Record<string, unknown>>) => [...databaseRules(values), ...repositoryRules(values)],
    execute: (values: never, parts: InspectParts) => runFunction(fn, values, parts),
  })),
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
];

process.exit(await main());

async function main(): Promise<number> {
  try {
    const line = parseCommandLine(process.argv.slice(2), commands, { version, defaultCommand: process.env.HOLDFAST_FUNCTION });
    if (line.kind === "print") {
      process.stdout.write(line.text);
      return 0;
    }
    const command = commands.find((each) => each.name === line.command) as Command;
    const values = parseParameters(command.parameters, { flags: line.flags, environment: process.env }, command.rules);
    return await execute(command, values as CommonParameters);
  } catch (error) {
    process.stderr.write(complaint(error));
    return exitCodeOf(error);
  }
}

async function execute(command: Command, values: CommonParameters): Promise<number> {
  using shutdown = listenForShutdown({ timeoutMs: values.timeout });
  const started = new Date();
  const redaction = new Redaction();
  const warnings: { reason: string; message: string }[] = [];
  const isTerminal = process.stderr.isTTY === true;
  let display: ProgressDisplay | undefined;
  const writeLine = (text: string) => {
    display?.clear();
    writeSync(2, text);
  };
  const format = values.logFormat === "auto" ? (isTerminal ? "text" : "json") : values.logFormat;
  const log = createLog({ level: values.logLevel, format, redaction, write: writeLine, scope: { function: command.name } });
  const terminate = terminationWriter(values.terminationLog, { redaction, log });
  process.on("uncaughtException", (error) => {
    log.error("Defect: an error nobody handled", { error: describeError(error), stack: redaction.redact(error.stack ?? "") });
    process.exit(1);
  });
  terminate(runningMessage(command.name, undefined));
  display = showProgress({
    isTerminal,
    log,
    write: (text) => process.stderr.write(text),
    now: () => performance.now(),
    onEvent: (progress) => terminate(runningMessage(command.name, progress)),
  });
  const parts: InspectParts = {
    version,
    signal: shutdown.signal,
    log,
    sources: { environment: process.env, remember: (secret) => redaction.add(secret), signal: shutdown.signal },
    warn(reason, message) {
      warnings.push({ reason, message: redaction.redact(message) });
      log.warn(message, { reason });
    },
    progress: display.report,
    print: (text) => process.stdout.write(redaction.redact(text)),
  };
  const outcome = await settle(command.execute(values as never, parts));
  display.clear();
  const head = { holdfast: version, function: command.name, started, finished: new Date(), warnings };
  const report = "success" in outcome ? reportSuccess(head, outcome.success) : reportFailure(head, outcome.error, shutdown.signal);
  terminate(terminationMessage(report));
  return announce(report, { values, log, redaction, error: "error" in outcome ? outcome.error : undefined });
}

async function settle(work: Promise<Success>): Promise<{ success: Success } | { error: unknown }> {
  try {
    return { success: await work };
  } catch (error) {
    return { error };
  }
}

/** Logs the outcome and writes the report file; a report that cannot be written turns a success into exit code 2, since somebody relies on it. */
function announce(report: Report, options: { values: CommonParameters; log: Log; redaction: Redaction; error: unknown }): number {
  const { values, log, redaction, error } = options;
  const { code, reason, hint, snapshot, counts, durationSeconds } = report;
  const fields = {
    code,
    reason,
    hint,
    snapshot: snapshot?.id,
    rawBytes: snapshot?.rawBytes,
    storedBytes: snapshot?.storedBytes,
    counts,
    durationSeconds,
  };
  if (report.outcome === "Succeeded") log.info(report.message, fields);
  else log.error(report.message, { ...fields, facts: report.facts });
  if (code === 1 && error instanceof Error) log.debug("Where the defect is", { stack: error.stack });
  if (values.report === undefined) return code;
  try {
    writeFileSync(values.report, redaction.redact(`${JSON.stringify(report, undefined, 2)}\n`), { mode: 0o600 });
    return code;
  } catch (cause) {
    log.error(`Cannot write the report to "${values.report}"`, { error: describeError(cause) });
    return code === 0 ? 2 : code;
  }
}

/** Rewrites the termination message where Kubernetes made the file; elsewhere does nothing. */
function terminationWriter(path: string, options: { redaction: Redaction; log: Log }): (text: string) => void {
  if (!existsSync(path)) return () => {};
  return (text) => {
    try {
      const file = openSync(path, "w");
      writeSync(file, options.redaction.redact(text));
      closeSync(file);
    } catch (error) {
      options.log.warn("Cannot write the termination message", { path, error: describeError(error) });
    }
  };
}

function complaint(error: unknown): string {
  const hint = error instanceof HoldfastError && error.hint !== undefined ? `\n${error.hint}` : "";
  return `holdfast: ${describeError(error)}${hint}\n`;
}
