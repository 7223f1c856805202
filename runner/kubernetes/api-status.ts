import { isDeepStrictEqual } from "node:util";
import { ClusterUnavailableError, ParameterError } from "../errors.ts";
import type { ApiClient, Attempt } from "./api-client.ts";
import type { Patience } from "./api-patience.ts";
import { type ApiResource, actionOn, objectLabel, objectPath } from "./api-resources.ts";
import type { ObjectName, Status, StatusChange } from "./cluster.ts";

export interface StatusWrite {
  readonly resource: ApiResource;
  readonly name: ObjectName;
  readonly change: StatusChange;
  /** The object's identity; that of the first look when absent. */
  readonly uid: string | undefined;
}

interface Found {
  readonly uid: string;
  readonly resourceVersion: string;
  readonly status: Status;
}

/**
 * Reads the object, writes what `change` makes of its status, and does so again when somebody else was faster. A write whose answer was lost is
 * looked for before it is repeated, so `change` meets its own work only when somebody else wrote on top of it meanwhile.
 */
export async function writeStatus(client: ApiClient, write: StatusWrite, patience: Patience): Promise<void> {
  let { uid } = write;
  let unanswered: Status | undefined;
  for (;;) {
    const found = await readStatus(client, write, patience);
    uid ??= found.uid;
    if (found.uid !== uid) throw replaced(write);
    if (unanswered !== undefined && isDeepStrictEqual(found.status, unanswered)) return;
    const status = asJson(write.change(asJson(found.status)));
    if (isDeepStrictEqual(status, found.status)) return;
    const attempt = await put(client, write, { found, status, patience });
    if (attempt.kind === "done") return;
    if (attempt.kind === "unavailable") unanswered = status;
    if (attempt.kind !== "conflict") await client.beforeNext(attempt, patience);
    else await patience.yieldToOthers(new ClusterUnavailableError(`Others keep changing ${objectLabel(write.resource, write.name)}`));
  }
}

async function readStatus(client: ApiClient, { resource, name }: StatusWrite, patience: Patience): Promise<Found> {
  const label = objectLabel(resource, name);
  const action = { ...actionOn(resource, name, { verb: "get" }), label };
  const object = await client.ask({ method: "GET", path: objectPath(resource, name) }, action, patience);
  const { uid, resourceVersion } = (object?.metadata ?? {}) as { uid?: unknown; resourceVersion?: unknown };
  if (object?.kind !== resource.kind || typeof uid !== "string" || typeof resourceVersion !== "string") {
    throw new ClusterUnavailableError(`What answers for ${label} is not that object`);
  }
  return { uid, resourceVersion, status: (object.status ?? {}) as Status };
}

/**
 * By PUT: a patch of a status pays no heed to the uid. The server takes everything but the status from what it holds. What answers without a new
 * version of the object has not written it, whatever it says.
 */
async function put(
  client: ApiClient,
  { resource, name }: StatusWrite,
  { found, status, patience }: { found: Found; status: Status; patience: Patience },
): Promise<Attempt> {
  const { group, version, kind } = resource;
  const { uid, resourceVersion } = found;
  const body = { apiVersion: `${group}/${version}`, kind, metadata: { ...name, uid, resourceVersion }, status };
  const path = `${objectPath(resource, name, "status")}?fieldValidation=Strict`;
  const action = {
    ...actionOn(resource, name, { verb: "update", subresource: "status" }),
    label: `the status of ${objectLabel(resource, name)}`,
  };
  const attempt = await client.attempt({ method: "PUT", path, body }, action, patience);
  if (attempt.kind !== "done" || isNewVersion(attempt.body, found)) return attempt;
  const cause = new ClusterUnavailableError(`What answers for ${action.label} is not that object with a new version`);
  return { kind: "unavailable", cause, retryAfterMs: undefined };
}

function isNewVersion(body: Readonly<Record<string, unknown>>, found: Found): boolean {
  const { uid, resourceVersion } = (body.metadata ?? {}) as { uid?: unknown; resourceVersion?: unknown };
  return uid === found.uid && typeof resourceVersion === "string" && resourceVersion !== found.resourceVersion;
}

function replaced({ resource, name }: StatusWrite): ParameterError {
  return new ParameterError(`${objectLabel(resource, name)} is not the one this run began with: it was made anew`, {
    reason: "ObjectReplaced",
  });
}

/** As the server will keep it: fields that are undefined are none. */
function asJson(status: Status): Status {
  return JSON.parse(JSON.stringify(status));
}
