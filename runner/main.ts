// Composition root: argv, environment, adapters, exit code. `process` is used here and in shutdown.ts only.
import { closeSync, existsSync, openSync, writeFileSync, writeSync } from "node:fs";
import { functions } from "../functions/index.ts";
import { operatorCommands } from "../operator/commands.ts";
import { parseCommandLine } from "./command-line.ts";
import { type Command, type CommandOutputs, type CommonParameters, commandsFor } from "./commands.ts";
import { describeError, exitCodeOf, HoldfastError, ParameterError } from "./errors.ts";
import type { Log } from "./function.ts";
import type { InspectParts } from "./inspect.ts";
import { lineWriter } from "./line-writer.ts";
import { createLog } from "./log.ts";
import { clusterOpener } from "./open-cluster.ts";
import { parseParameters } from "./parameters.ts";
import { createPrinter } from "./printer.ts";
import { type ProgressDisplay, showProgress } from "./progress.ts";
import { Redaction } from "./redaction.ts";
import { type Report, reportFailure, reportSuccess, runningMessage, runningReport, type Success, terminationMessage } from "./report.ts";
import { type Settled, settle } from "./settle.ts";
import { listenForShutdown } from "./shutdown.ts";
import { version } from "./version.ts";

const commands = [...commandsFor(functions), ...operatorCommands];

const writeToLog = lineWriter(2);

process.exit(await main());

async function main(): Promise<number> {
  const argv = process.argv.slice(2);
  let flags: Readonly<Record<string, string>> = {};
  try {
    const line = parseCommandLine(argv, commands, { version, defaultCommand: process.env.HOLDFAST_FUNCTION });
    if (line.kind === "print") {
      await createPrinter(process.stdout)(line.text);
      return 0;
    }
    flags = line.flags;
    const command = commands.find((each) => each.name === line.command) as Command;
    const values = parseParameters(command.parameters, { flags, environment: process.env }, command.rules);
    return await execute(command, values as CommonParameters);
  } catch (error) {
    writeToLog(complaint(error));
    return leaveWord(error, { argv, flags });
  }
}

async function execute(command: Command, values: CommonParameters): Promise<number> {
  using shutdown = listenForShutdown({ timeoutMs: values.timeout, onLate: (error) => tellLate(error) });
  const { signal } = shutdown;
  const started = new Date();
  const redaction = new Redaction();
  const warnings: { reason: string; message: string }[] = [];
  const isTerminal = process.stderr.isTTY === true;
  let display: ProgressDisplay | undefined;
  const writeLine = (text: string) => {
    display?.clear();
    writeToLog(text);
  };
  const format = values.logFormat === "auto" ? (isTerminal ? "text" : "json") : values.logFormat;
  const log = createLog({ level: values.logLevel, format, redaction, write: writeLine, scope: { function: command.name } });
  const terminate = terminationWriter(values.terminationLog, { redaction, log });
  const head = () => ({ holdfast: version, function: command.name, started, finished: new Date(), warnings });
  const conclude = (outcome: Outcome): number => {
    display?.clear();
    const report = "value" in outcome ? reportSuccess(head(), outcome.value) : reportFailure(head(), outcome.error, signal);
    terminate(terminationMessage(report));
    const code = announce(report, { values, log, redaction, error: "error" in outcome ? outcome.error : undefined });
    return command.outputs === undefined ? code : leaveOutputs(command.outputs, { values, report, code, log, redaction });
  };
  let defect: { error: unknown } | undefined;
  const tellLate = (error: unknown) => {
    log.error("The clean-up did not end in time: what this run wrote may be left in the store");
    conclude({ error });
  };
  process.on("uncaughtException", (error) => {
    log.error("Defect: an error nobody handled", { error: describeError(error), stack: redaction.redact(error.stack ?? "") });
    // The run still says in the session and in its files that it failed; a second defect ends it at once.
    if (signal.aborted) process.exit(conclude({ error }));
    defect = { error };
    shutdown.stop(error);
  });
  terminate(runningMessage(command.name, undefined));
  display = showProgress({
    isTerminal,
    log,
    write: writeToLog,
    now: () => performance.now(),
    onEvent: (progress) => terminate(runningMessage(command.name, progress)),
  });
  const print = createPrinter(process.stdout, signal);
  const warn = (reason: string, message: string) => {
    warnings.push({ reason, message: redaction.redact(message) });
    log.warn(message, { reason });
  };
  const cluster = clusterOpener(values, { environment: process.env, signal, warn });
  const parts: InspectParts = {
    version,
    signal,
    log,
    sources: { environment: process.env, remember: (secret) => redaction.add(secret), signal, cluster },
    warn,
    redact: (text) => redaction.redact(text),
    progress: display.report,
    print: (text) => print(redaction.redact(text)),
  };
  const run = async () => {
    writeFirstReport(values.report, runningReport(head()));
    command.outputs?.begin(values as never);
    return command.execute(values as never, parts);
  };
  const outcome = await settle(run());
  return conclude(defect ?? outcome);
}

type Outcome = Settled<Success>;

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
    addedBytes: snapshot?.addedBytes,
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

/** What the command's own outputs make of the report; one that cannot be written is told by the exit code. */
function leaveOutputs(
  outputs: CommandOutputs,
  options: { values: CommonParameters; report: Report; code: number; log: Log; redaction: Redaction },
): number {
  const { values, report, code, log, redaction } = options;
  try {
    return outputs.conclude(values as never, {
      ...report,
      code,
      message: redaction.redact(report.message),
      hint: redaction.redact(report.hint ?? "") || undefined,
    });
  } catch (error) {
    log.error(describeError(error));
    return code === 0 ? exitCodeOf(error) : code;
  }
}

/**
 * Says that the run has not ended, over whatever an earlier run left there: a killed one must not be taken for that. Who cannot write it now could not
 * at the end. @throws ParameterError
 */
function writeFirstReport(path: string | undefined, report: object): void {
  if (path === undefined) return;
  try {
    writeFileSync(path, `${JSON.stringify(report, undefined, 2)}\n`, { mode: 0o600 });
  } catch (cause) {
    throw new ParameterError(`Cannot write the report to "${path}"`, { cause, hint: "Nothing has been touched; check --report" });
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

/** Parameters were wrong, so that no run began: whoever looks at the outputs and the termination message must not find those of an earlier one. */
function leaveWord(error: unknown, { argv, flags }: { argv: readonly string[]; flags: Readonly<Record<string, string>> }): number {
  const { HOLDFAST_FUNCTION, HOLDFAST_REPORT, HOLDFAST_TERMINATION_LOG } = process.env;
  const named = argv[0]?.startsWith("-") === false ? argv[0] : HOLDFAST_FUNCTION;
  const command = commands.find(({ name }) => name === named);
  const now = new Date();
  const head = { holdfast: version, function: command?.name ?? HOLDFAST_FUNCTION ?? "", started: now, finished: now, warnings: [] };
  const report = reportFailure(head, error, new AbortController().signal);
  const path = flags.report || HOLDFAST_REPORT;
  const terminationLog = flags["termination-log"] || HOLDFAST_TERMINATION_LOG || "/dev/termination-log";
  try {
    if (path) writeFileSync(path, `${JSON.stringify(report, undefined, 2)}\n`, { mode: 0o600 });
    if (existsSync(terminationLog)) writeFileSync(terminationLog, terminationMessage(report));
    return command?.outputs?.refuse(argv, report) ?? report.code;
  } catch (cause) {
    writeToLog(complaint(cause));
    return report.code;
  }
}

function complaint(error: unknown): string {
  const hint = error instanceof HoldfastError && error.hint !== undefined ? `\n${error.hint}` : "";
  return `holdfast: ${describeError(error)}${hint}\n`;
}
