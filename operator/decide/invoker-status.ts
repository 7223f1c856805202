import type { Status, StatusChange } from "../../runner/kubernetes/cluster.ts";
import { type Condition, findCondition, isAny, withCondition } from "../../runner/kubernetes/status-condition.ts";
import type { Action } from "../action.ts";
import type { KindName } from "../kinds.ts";
import { identityOf, type LiveObject } from "../objects.ts";

export type InvokerPhase = "NotReady" | "Invalid" | "Ready";

/** Whether backups are going to be taken: the first rule that fits. */
export function invokerPhase(status: Status): InvokerPhase {
  const found = ["RepositoryFound", "BackendSecretFound"];
  if (isAny(status, "False", found) || isAny(status, "Unknown", found)) return "NotReady";
  if (isAny(status, "False", ["ValidationPassed"])) return "Invalid";
  const needed = [...found, "ValidationPassed", "CronJobCreated"];
  return needed.every((type) => findCondition(status, type)?.status === "True") ? "Ready" : "NotReady";
}

export interface InvokerVerdict {
  readonly conditions: readonly Condition[];
  /** Set once all has been said of this generation. */
  readonly generation?: number | undefined;
}

/** Writes conditions, and what follows from them; the very same status when nothing is new. */
export function invokerChange({ conditions, generation }: InvokerVerdict, now: Date): StatusChange {
  return (status) => {
    const said = conditions.reduce((before, condition) => withCondition(before, condition, now), status);
    const judged = withField(said, "phase", invokerPhase(said));
    return generation === undefined ? judged : withField(judged, "observedGeneration", generation);
  };
}

/** The changes as actions, without those that would write nothing; with the status as it is after them. */
export function statusActions(
  object: LiveObject,
  changes: readonly StatusChange[],
): { readonly actions: readonly Action[]; readonly status: Status } {
  const actions: Action[] = [];
  let status: Status = object.status ?? {};
  for (const change of changes) {
    const next = change(status);
    if (next !== status) actions.push({ do: "status", kind: object.kind as KindName, object: identityOf(object), change });
    status = next;
  }
  return { actions, status };
}

function withField(status: Status, field: string, value: unknown): Status {
  return status[field] === value ? status : { ...status, [field]: value };
}
