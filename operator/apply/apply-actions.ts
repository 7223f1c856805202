// The only writer: decisions become writes here, one after the other, and nowhere else.
import { ClusterRefusedError, describeError } from "../../runner/errors.ts";
import { type PushResult, pushMetrics } from "../../runner/metrics/push-metrics.ts";
import type { Action, Push } from "../action.ts";
import type { LiveObject } from "../objects.ts";
import { changeMetadata, changeStatus, stopJob } from "./change-object.ts";
import { createOnce } from "./create-once.ts";
import { type EnsureParts, ensureObject } from "./ensure-object.ts";
import type { EventTeller } from "./event-teller.ts";

export interface ApplyParts extends EnsureParts {
  readonly events: EventTeller;
  readonly pushgatewayUrl: string | undefined;
  /** Called with every object that was written, as it is now. */
  wrote(object: LiveObject): void;
}

/** Carries the actions out, in order. @throws what the first one that failed threw; those after it are left out */
export async function applyActions(actions: readonly Action[], parts: ApplyParts): Promise<void> {
  for (const action of actions) {
    parts.signal.throwIfAborted();
    const instead = await applyAction(action, parts);
    if (instead === undefined) continue;
    await applyActions(instead.actions, parts);
    if (instead.isEnd) return;
  }
}

/** `isEnd`: the rest of the pass supposes what did not come true. */
interface Instead {
  readonly actions: readonly Action[];
  readonly isEnd: boolean;
}

async function applyAction(action: Action, parts: ApplyParts): Promise<Instead | undefined> {
  const { api, signal, events } = parts;
  const note = (written: LiveObject | undefined) => {
    if (written !== undefined) parts.wrote(written);
    return undefined;
  };
  switch (action.do) {
    case "ensure":
    case "create":
      return orRefused(action.refused, async () =>
        note(await (action.do === "ensure" ? ensureObject(action.object, parts) : createOnce(action.object, parts))),
      );
    case "status":
      return note(await changeStatus(action, parts));
    case "metadata":
      return note(await changeMetadata(action, parts));
    case "stop":
      return note(await stopJob(action, parts));
    case "remove":
      await api.remove(action.kind, action.object, { signal });
      return undefined;
    case "event":
      await events.tell(action, signal);
      return undefined;
    case "push":
      return { actions: action.then(await pushAll(action, parts)), isEnd: false };
  }
}

async function orRefused(
  refused: ((message: string) => readonly Action[]) | undefined,
  work: () => Promise<undefined>,
): Promise<Instead | undefined> {
  try {
    return await work();
  } catch (error) {
    if (refused === undefined || !(error instanceof ClusterRefusedError)) throw error;
    return { actions: refused(describeError(error)), isEnd: true };
  }
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
