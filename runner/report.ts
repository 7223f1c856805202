import { describeError, exitCodeOf, HoldfastError } from "./errors.ts";
import type { Progress } from "./function.ts";

/** The outcome of a run as one JSON document: `--report FILE`, and shortened the termination message. No secrets. */
export interface Report {
  readonly holdfast: string;
  readonly function: string;
  readonly outcome: "Succeeded" | "Failed";
  readonly code: number;
  /** CamelCase. */
  readonly reason: string;
  readonly message: string;
  readonly hint?: string | undefined;
  readonly started: string;
  readonly finished: string;
  readonly durationSeconds: number;
  readonly snapshot?: SnapshotSummary | undefined;
  /** Keys, documents …: what was stored or written, skipped, refused. */
  readonly counts: Readonly<Record<string, number>>;
  readonly facts: Readonly<Record<string, unknown>>;
  readonly notCarried: readonly { readonly name: string; readonly reason: string }[];
  readonly warnings: readonly { readonly reason: string; readonly message: string }[];
}

export interface SnapshotSummary {
  readonly id: string;
  readonly engine: string;
  readonly target: string;
  readonly host: string;
  readonly started: string;
  readonly finished: string;
  /** Of all its streams, before compression. */
  readonly rawBytes: number;
  /** Of all objects that it needs, those of earlier snapshots among them. */
  readonly storedBytes: number;
  /** Of the objects that it added to the store. */
  readonly addedBytes: number;
}

/** What a run that succeeded has to say. */
export interface Success {
  readonly message: string;
  readonly snapshot?: SnapshotSummary;
  readonly counts?: Readonly<Record<string, number>>;
  readonly facts?: Readonly<Record<string, unknown>>;
  readonly notCarried?: Report["notCarried"];
}

export interface ReportHead {
  readonly holdfast: string;
  readonly function: string;
  readonly started: Date;
  readonly finished: Date;
  readonly warnings: Report["warnings"];
}

export function reportSuccess(head: ReportHead, success: Success): Report {
  return {
    ...headFields(head),
    outcome: "Succeeded",
    code: 0,
    reason: "Succeeded",
    message: success.message,
    snapshot: success.snapshot,
    counts: success.counts ?? {},
    facts: success.facts ?? {},
    notCarried: success.notCarried ?? [],
  };
}

export interface Failure {
  readonly code: number;
  readonly reason: string;
  readonly message: string;
  readonly hint: string | undefined;
}

/** What an aborted run fails with is the abort, whatever broke on the way out. */
export function failureOf(error: unknown, signal: AbortSignal): Failure {
  const cause = signal.aborted ? signal.reason : error;
  const named = cause instanceof HoldfastError ? cause : undefined;
  return {
    code: exitCodeOf(cause),
    reason: named?.reason ?? "InternalError",
    message:
      cause === error || !(error instanceof HoldfastError) ? describeError(cause) : `${describeError(cause)}: ${describeError(error)}`,
    hint: named === undefined ? "This is a defect of holdfast: please report it with the log" : named.hint,
  };
}

/** The facts of what broke are kept, also when the run fails with its abort. */
export function reportFailure(head: ReportHead, error: unknown, signal: AbortSignal): Report {
  const facts = error instanceof HoldfastError ? error.facts : {};
  return {
    ...headFields(head),
    outcome: "Failed",
    ...failureOf(error, signal),
    counts: countsIn(facts),
    facts,
    notCarried: [],
  };
}

/** The first word of a run, so that a container killed half-way leaves the truth behind. */
export function runningMessage(functionName: string, progress: Progress | undefined): string {
  return JSON.stringify({ code: null, reason: "Running", message: `${functionName} has not ended`, progress });
}

/** The first report of a run, for the same reason. */
export function runningReport(head: ReportHead): object {
  return { ...headFields(head), outcome: "Failed", code: null, reason: "Running", message: `${head.function} has not ended` };
}

/** Compact JSON of at most 4,096 bytes, as Kubernetes keeps of a termination message. */
export function terminationMessage(report: Report): string {
  const { code, reason, hint, counts } = report;
  for (let keep = 2000; keep >= 0; keep -= 500) {
    const message = report.message.length > keep ? `${report.message.slice(0, keep)}…` : report.message;
    const text = JSON.stringify({ code, reason, message, hint, counts, snapshot: report.snapshot?.id });
    if (Buffer.byteLength(text) <= 4096) return text;
  }
  return JSON.stringify({ code, reason });
}

/** A failure's facts that are numbers: what was done before it. */
function countsIn(facts: Readonly<Record<string, unknown>>): Record<string, number> {
  return Object.fromEntries(Object.entries(facts).filter((entry): entry is [string, number] => typeof entry[1] === "number"));
}

function headFields(head: ReportHead): Pick<Report, "holdfast" | "function" | "started" | "finished" | "durationSeconds" | "warnings"> {
  const milliseconds = head.finished.getTime() - head.started.getTime();
  return {
    holdfast: head.holdfast,
    function: head.function,
    started: head.started.toISOString(),
    finished: head.finished.toISOString(),
    durationSeconds: milliseconds / 1000,
    warnings: head.warnings,
  };
}
