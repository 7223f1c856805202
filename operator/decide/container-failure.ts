import type { ExecutorFailure } from "../executor.ts";
import type { ContainerStatus, ObservedPod, Terminated } from "./executor-objects.ts";
import { readProgramResult } from "./program-result.ts";

/** Somebody holds the lock; database, store or cluster are away for now; stopped by a signal. */
const PASSING: ReadonlySet<number> = new Set([11, 20, 30, 40, 130, 143]);

/** Whether a run that ended with this exit code of the runner's may end better another time: never for wrong parameters, an incomplete backup, a database or store that refuses. */
export function isPassing(exitCode: number): boolean {
  return PASSING.has(exitCode);
}

/** Why the container that failed did so; those behind it never ran, and those beside it were ended because of it. `undefined` when none of them failed. */
export function containerFailure(
  { containers }: Pick<ObservedPod, "containers">,
  memoryLimits: ReadonlyMap<string, string>,
): ExecutorFailure | undefined {
  const allFailed = containers.filter(isFailed).toSorted(byEnd);
  const failed = allFailed.find(isTelling) ?? allFailed[0];
  const end = failed?.state?.terminated ?? undefined;
  if (failed === undefined || end === undefined) return undefined;
  const container = `Container "${failed.name}"`;
  if (end.reason === "OOMKilled") return outOfMemory(container, { end, limit: memoryLimits.get(failed.name) });
  if (end.reason === "ContainerStatusUnknown") return lost(container, end);
  return programFailure(container, end) ?? plainFailure(container, end);
}

function isFailed({ state }: ContainerStatus): boolean {
  const end = state?.terminated;
  return end !== null && end !== undefined && (end.exitCode !== 0 || end.reason === "OOMKilled");
}

/** Which of two ended first; one that nobody saw end comes last. */
function byEnd(one: ContainerStatus, other: ContainerStatus): number {
  const endOf = ({ state }: ContainerStatus) => Date.parse(state?.terminated?.finishedAt ?? "") || Number.MAX_SAFE_INTEGER;
  return endOf(one) - endOf(other);
}

/** Says by itself what was wrong, where another may merely have been stopped. */
function isTelling({ state }: ContainerStatus): boolean {
  const end = state?.terminated;
  return end?.reason === "OOMKilled" || (readProgramResult(end?.message)?.code ?? 0) !== 0;
}

/** Without a limit it was the node that had no more memory, and the next try may meet another one. */
function outOfMemory(container: string, { end, limit }: { end: Terminated; limit: string | undefined }): ExecutorFailure {
  const setting = "spec.runtimeSettings.container.resources.limits.memory";
  const message =
    limit === undefined
      ? `${container} was killed: the node ran out of memory; set spec.runtimeSettings.container.resources.requests.memory, so that it gets a node that has enough`
      : `${container} was killed: it needed more memory than its limit of ${limit}; raise ${setting}`;
  return { reason: "OutOfMemory", message, exitCode: end.exitCode, isWorthRetry: limit === undefined };
}

function lost(container: string, end: Terminated): ExecutorFailure {
  const message = `${container} was lost: its node was restarted or cut off, and nobody knows how it ended`;
  return { reason: "NodeLost", message, exitCode: end.exitCode, isWorthRetry: true };
}

/** Our own program says best why it failed. */
function programFailure(container: string, { exitCode, message }: Terminated): ExecutorFailure | undefined {
  const result = readProgramResult(message);
  if (result === undefined || result.code === 0) return undefined;
  if (result.code === undefined) {
    const how = `${container} was ended from outside, with exit code ${exitCode}, before it could say why: ${result.message}`;
    return { reason: "Killed", message: how, exitCode, isWorthRetry: true };
  }
  const told = result.hint === undefined ? result.message : `${result.message}; ${result.hint}`;
  return { reason: result.reason, message: told, exitCode: result.code, isWorthRetry: isPassing(result.code) };
}

function plainFailure(container: string, { exitCode, signal, reason, message }: Terminated): ExecutorFailure {
  const word = reason === "StartError" || reason === "ContainerCannotRun" ? "could not be started" : "failed";
  const number = signal ?? (exitCode > 128 && exitCode < 160 ? exitCode - 128 : undefined);
  const how = number === undefined ? `exit code ${exitCode}` : `exit code ${exitCode}, signal ${number}`;
  const said = message ? `: ${message.trim()}` : "; its log may say why";
  const isKilled = exitCode === 137;
  return {
    reason: isKilled ? "Killed" : "ContainerFailed",
    message: `${container} ${word} (${how})${said}`,
    exitCode,
    isWorthRetry: isKilled || isPassing(exitCode),
  };
}
