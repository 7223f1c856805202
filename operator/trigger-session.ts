// The trigger: what the pods of an invoker's CronJob run. It makes one BackupSession, and the operator does the rest.
import pRetry from "p-retry";
import { ClusterRefusedError, ClusterUnavailableError, ParameterError } from "../runner/errors.ts";
import type { Log } from "../runner/function.ts";
import { eventObject } from "../runner/kubernetes/api-event.ts";
import { type ObjectOf, parseObject } from "../runner/kubernetes/parse-object.ts";
import { sessionName } from "../runner/kubernetes/resolve-names.ts";
import { backupSessionFor } from "./build/backup-session.ts";
import { controllerOf, type Fields, isBeingDeleted, type LiveObject, type WantedObject } from "./objects.ts";
import type { ObjectsApi } from "./objects-api.ts";

export interface TriggerParameters {
  readonly namespace: string;
  readonly invokerKind: string;
  readonly invokerName: string;
  /** Of the Job that this is: its end is the minute it was meant for. */
  readonly jobName: string | undefined;
}

export interface TriggerParts {
  readonly api: ObjectsApi;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** For tests: how long to wait before the first repetition. */
  readonly pauseMs?: number;
}

export interface TriggeredSession {
  readonly name: string;
  /** False when a former run of the same trigger had made it. */
  readonly isNew: boolean;
}

/** A number further away at the end of a name is a date, or anything. */
const A_DAY_MS = 86_400_000;

/**
 * Makes the BackupSession of this minute, once: run again for the same Job it finds the session and is content. Pausing does not matter here: who runs a trigger by hand wants a
 * backup. @throws ParameterError for an invoker that is missing, being deleted, or not served; ClusterRefusedError when the name belongs to somebody else; otherwise as ObjectsApi
 */
export async function triggerSession(parameters: TriggerParameters, parts: TriggerParts): Promise<TriggeredSession> {
  const invoker = await readInvoker(parameters, parts);
  const { maxRetry = 0 } = invoker.parsed.spec.retryConfig ?? {};
  const now = parts.api.now();
  const name = sessionName(parameters.invokerName, slotOf(parameters.jobName, now) ?? now);
  const session = backupSessionFor(invoker.live, { name, retryLeft: Math.max(0, maxRetry) });
  const created = await patiently(parts, () => parts.api.create(session, parts));
  const isNew = created !== "exists";
  if (!isNew) await assertOwn(name, { invoker: invoker.live, parts });
  parts.log.info(isNew ? "The backup session is made" : "The backup session was made already", { session: name });
  return { name, isNew };
}

interface Invoker {
  readonly live: LiveObject;
  readonly parsed: ObjectOf<"BackupConfiguration">;
}

async function readInvoker({ namespace, invokerKind, invokerName }: TriggerParameters, parts: TriggerParts): Promise<Invoker> {
  const label = `${invokerKind} "${namespace}/${invokerName}"`;
  if (invokerKind !== "BackupConfiguration") {
    throw new ParameterError(`Cannot make a backup session for ${label}: invokers of this kind are not supported`, {
      reason: "NotSupported",
      hint: "Make a BackupConfiguration for each target",
    });
  }
  const live = await patiently(parts, () => parts.api.get("BackupConfiguration", { namespace, name: invokerName }, parts));
  if (live === undefined) throw new ParameterError(`Cannot find ${label} in the cluster`, { reason: "ObjectNotFound" });
  if (isBeingDeleted(live))
    throw new ParameterError(`${label} is being deleted: it gets no more backup sessions`, { reason: "InvokerDeleted" });
  return { live, parsed: parseObject("BackupConfiguration", live, { name: `${namespace}/${invokerName}` }) };
}

/** The minute that the CronJob controller wrote into its Job's name; `undefined` for a Job that somebody named otherwise. */
function slotOf(jobName: string | undefined, now: Date): Date | undefined {
  const minutes = /-(\d{8,9})$/.exec(jobName ?? "")?.[1];
  const slot = new Date(Number(minutes) * 60_000);
  return Math.abs(slot.getTime() - now.getTime()) <= A_DAY_MS ? slot : undefined;
}

/** The name says the invoker and the second, but a long invoker's name is cut. */
async function assertOwn(name: string, { invoker, parts }: { readonly invoker: LiveObject; readonly parts: TriggerParts }): Promise<void> {
  const { namespace = "", name: invokerName, uid } = invoker.metadata;
  const session = await patiently(parts, () => parts.api.get("BackupSession", { namespace, name }, parts));
  const label = `BackupSession "${namespace}/${name}"`;
  if (session === undefined) throw new ClusterUnavailableError(`${label} was there, and is gone: the next try makes it`);
  const named = session.spec?.invoker as Fields | undefined;
  const owner = controllerOf(session);
  const isSameName = named?.kind === invoker.kind && named.name === invokerName;
  if (isSameName && (owner === undefined || owner.uid === uid)) return;
  const whose = isSameName ? "a namesake that was deleted" : `${String(named?.kind)} "${String(named?.name)}"`;
  const message = `${label} is there already, made for ${whose}: no backup is started`;
  await tell(invoker, { message, parts });
  throw new ClusterRefusedError(message, {
    reason: "NameTaken",
    hint: "Names that agree in their first 52 characters come to the same session: shorten one, or move its schedule",
  });
}

/** That it cannot be told is no reason to hide why. */
async function tell(invoker: LiveObject, { message, parts }: { readonly message: string; readonly parts: TriggerParts }): Promise<void> {
  const { namespace = "", name, uid } = invoker.metadata;
  const event = { kind: invoker.kind, object: { namespace, name }, type: "Warning", reason: "TriggerFailed", message } as const;
  try {
    await parts.api.create(eventObject(event, uid) as unknown as WantedObject, parts);
  } catch (error) {
    parts.signal.throwIfAborted();
    parts.log.warn("Cannot tell the event", { error: error instanceof Error ? error.message : String(error) });
  }
}

/** An API that is away for a moment is asked again; the Job runs the pod again after that. */
function patiently<T>({ signal, pauseMs = 1_000 }: TriggerParts, work: () => Promise<T>): Promise<T> {
  return pRetry(work, {
    retries: 4,
    minTimeout: pauseMs,
    signal,
    shouldRetry: ({ error }) => error instanceof ClusterUnavailableError,
  });
}
