// The only writer: decisions become writes here, one after the other, and nowhere else.
import { ClusterRefusedError, describeError } from "../../runner/errors.ts";
import type { ObjectName } from "../../runner/kubernetes/cluster.ts";
import { type PushResult, pushMetrics } from "../../runner/metrics/push-metrics.ts";
import type { Action, ChangeMetadata, ChangeStatus, Create, Ensure, Push } from "../action.ts";
import type { KindName } from "../kinds.ts";
import type { LiveObject } from "../objects.ts";
import { changeMetadata, changeStatus, stopJob } from "./change-object.ts";
import { createOnce } from "./create-once.ts";
import { type EnsureParts, ensureObject } from "./ensure-object.ts";
import type { EventTeller } from "./event-teller.ts";

export interface ApplyParts extends EnsureParts {
  readonly events: EventTeller;
  readonly pushgatewayUrl: string | undefined;
  /** Whose pass it is: once that one is gone, what is left of the pass would be made for nobody. */
  readonly subject?: Subject | undefined;
  /** The object as this pass wrote it, or else as it was last seen: a status is written from it without another look, if it is still that version. */
  latest?(action: ChangeStatus): LiveObject | undefined;
  /** Called with every object that was written, as it is now. */
  wrote(object: LiveObject): void;
}

export interface Subject {
  readonly kind: KindName;
  readonly name: ObjectName;
}

/** Carries the actions out, in order. @throws what the first one that failed threw; those after it are left out */
export async function applyActions(actions: readonly Action[], parts: ApplyParts): Promise<void> {
  await applyAll(actions, parts);
}

/** "over" when what comes after them supposes something that did not come true. */
type Outcome = "done" | "over";

async function applyAll(actions: readonly Action[], parts: ApplyParts): Promise<Outcome> {
  for (const action of actions) {
    parts.signal.throwIfAborted();
    if ((await applyAction(action, parts)) === "over") return "over";
  }
  return "done";
}

async function applyAction(action: Action, parts: ApplyParts): Promise<Outcome> {
  const { api, signal, events } = parts;
  switch (action.do) {
    case "ensure":
    case "create":
      return make(action, parts);
    case "status":
    case "metadata":
      return change(action, parts);
    case "stop": {
      const stopped = await stopJob(action, parts);
      if (typeof stopped === "object") parts.wrote(stopped);
      return "done";
    }
    case "remove":
      return orRefused(action, parts, () => api.remove(action.kind, action.object, { signal }));
    case "event":
      await events.tell(action, signal);
      return "done";
    case "push":
      return applyAll(action.afterwards(await pushAll(action, parts)), parts);
  }
}

async function make(action: Ensure | Create, parts: ApplyParts): Promise<Outcome> {
  return orRefused(action, parts, async () => {
    const made = await (action.do === "ensure" ? ensureObject(action.object, parts) : createOnce(action.object, parts));
    if (made !== undefined) parts.wrote(made);
  });
}

async function orRefused({ refused }: Pick<Ensure, "refused">, parts: ApplyParts, work: () => Promise<unknown>): Promise<Outcome> {
  try {
    await work();
    return "done";
  } catch (error) {
    if (refused === undefined || !(error instanceof ClusterRefusedError)) throw error;
    await applyAll(refused(describeError(error)), parts);
    return "over";
  }
}

async function change(action: ChangeStatus | ChangeMetadata, parts: ApplyParts): Promise<Outcome> {
  const known = action.do === "status" ? parts.latest?.(action) : undefined;
  const changed = await (action.do === "status" ? changeStatus(action, { ...parts, known }) : changeMetadata(action, parts));
  if (changed === "gone") return isSubject(action, parts) ? "over" : "done";
  if (changed !== undefined) parts.wrote(changed);
  return "done";
}

function isSubject({ kind, object }: ChangeStatus | ChangeMetadata, { subject }: ApplyParts): boolean {
  return kind === subject?.kind && object.namespace === subject.name.namespace && object.name === subject.name.name;
}

/** All of them, whatever becomes of one; the first failure is what is told. */
async function pushAll({ pushes }: Push, { pushgatewayUrl: url, signal }: ApplyParts): Promise<PushResult | undefined> {
  if (url === undefined) return undefined;
  const results = await Promise.all(
    pushes.filter(({ samples }) => samples.length > 0).map(({ job, group, samples }) => pushMetrics(samples, { url, job, group, signal })),
  );
  signal.throwIfAborted();
  return results.find(({ isPushed }) => !isPushed) ?? { isPushed: true };
}
