import { isDeepStrictEqual } from "node:util";
import { ClusterUnavailableError } from "../../runner/errors.ts";
import type { ChangeMetadata, ChangeStatus, StopJob } from "../action.ts";
import type { KindName } from "../kinds.ts";
import type { Fields, LiveObject, ObjectIdentity } from "../objects.ts";
import type { ObjectsApi } from "../objects-api.ts";

interface ChangeParts {
  readonly api: ObjectsApi;
  readonly signal: AbortSignal;
  /** The object as it was last seen, if it was: a write from it that meets another version is refused by the server, and done again from what is there. */
  readonly known?: LiveObject | undefined;
}

const MOST_TRIES = 10;

/** What was written; `undefined` when nothing had to be; "gone" when there is none of that name, or another one. */
export type Changed = LiveObject | "gone" | undefined;

/** Writes what follows from the status as it is now. */
export async function changeStatus({ kind, object, change }: ChangeStatus, parts: ChangeParts): Promise<Changed> {
  const make = (live: LiveObject) => {
    const status = change(live.status ?? {});
    const isNone = live.status === undefined && Object.values(status).every((value) => value === undefined);
    return isNone ? live : { ...live, status };
  };
  return repeat(kind, object, { ...parts, make, write: (next) => parts.api.replaceStatus(next, { signal: parts.signal }) });
}

/** The same of everything but the status. */
export async function changeMetadata({ kind, object, change }: ChangeMetadata, parts: ChangeParts): Promise<Changed> {
  return repeat(kind, object, { ...parts, make: change, write: (next) => parts.api.replace(next, { signal: parts.signal }) });
}

/** A Job's own deadline, in the past: the Job controller then ends its pods, and the Job as failed. */
export async function stopJob({ job }: StopJob, parts: ChangeParts): Promise<Changed> {
  const make = (live: LiveObject) => (isFinished(live.status) ? live : { ...live, spec: { ...live.spec, activeDeadlineSeconds: 1 } });
  return repeat("Job", job, { ...parts, make, write: (next) => parts.api.replace(next, { signal: parts.signal }) });
}

interface Repetition extends ChangeParts {
  make(live: LiveObject): LiveObject;
  write(next: LiveObject): Promise<LiveObject | "conflict" | "gone">;
}

async function repeat(kind: KindName, object: ObjectIdentity, { api, signal, known, make, write }: Repetition): Promise<Changed> {
  const guessed = known?.metadata.uid === object.uid ? guess(known, make) : undefined;
  const first = guessed === undefined ? "conflict" : await write(guessed);
  if (first === "gone") return "gone";
  if (first !== "conflict") return first.metadata.resourceVersion === known?.metadata.resourceVersion ? undefined : first;
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const live = await api.get(kind, object, { signal });
    if (live === undefined || live.metadata.uid !== object.uid) return "gone";
    const next = asJson(make(live));
    if (isDeepStrictEqual(next, asJson(live))) return undefined;
    const written = await write(next);
    if (written === "conflict") continue;
    if (written === "gone") return "gone";
    // The server keeps it differently than we write it: nothing has changed, and nobody needs another look.
    return written.metadata.resourceVersion === live.metadata.resourceVersion ? undefined : written;
  }
  throw new ClusterUnavailableError(`Others keep changing ${kind} "${object.namespace}/${object.name}"`);
}

/** Nothing where the object as we know it would not be changed, or cannot be: that is for what is there to say. */
function guess(known: LiveObject, make: (live: LiveObject) => LiveObject): LiveObject | undefined {
  try {
    const next = asJson(make(known));
    return isDeepStrictEqual(next, asJson(known)) ? undefined : next;
  } catch {
    return undefined;
  }
}

function isFinished(status: Fields | undefined): boolean {
  const conditions = (status?.conditions ?? []) as readonly { readonly type: string; readonly status: string }[];
  return conditions.some(({ type, status: value }) => (type === "Complete" || type === "Failed") && value === "True");
}

/** As the server will keep it: fields that are undefined are none. */
function asJson(object: LiveObject): LiveObject {
  return JSON.parse(JSON.stringify(object));
}
