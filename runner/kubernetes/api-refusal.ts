import { ClusterRefusedError, type HoldfastError, ParameterError } from "../errors.ts";
import type { ApiAnswer } from "./api-request.ts";
import type { ClusterAction } from "./cluster.ts";

/** What was asked for, in the words of RBAC and in those of a person. */
export interface AskedAction extends ClusterAction {
  /** `Repository "demo/cellar"`. */
  readonly label: string;
}

/**
 * The error for an answer that is a plain no. It holds the server's reason and message, nothing else of the answer or the request.
 * A missing object is a ParameterError with reason "ObjectNotFound".
 */
export function refusalOf({ status, body }: Pick<ApiAnswer, "status" | "body">, action: AskedAction): HoldfastError {
  const told = statusObject(body);
  if (status === 404) return notFound(action, { isKnownKind: told !== undefined });
  const said = told?.message === undefined ? "" : `: ${shorten(told.message)}`;
  if (status === 401) {
    return new ClusterRefusedError("The Kubernetes API does not know who this is", {
      reason: "Unauthorized",
      hint: "The token or certificate is missing, expired, or of another cluster",
    });
  }
  const facts = { action: rightOf(action) };
  if (status === 403) {
    const hint = `Grant it with a Role or ClusterRole: apiGroups ["${action.group}"], resources ["${action.resource}"], verbs ["${action.verb}"]`;
    return new ClusterRefusedError(`Not allowed to ${describeRight(action)}${said}`, { reason: "Forbidden", hint, facts });
  }
  const reason = told?.reason !== undefined && /^[A-Z][A-Za-z]+$/.test(told.reason) ? told.reason : undefined;
  return new ClusterRefusedError(`The Kubernetes API answers ${status} to ${action.verb} ${action.label}${said}`, {
    ...(reason === undefined ? {} : { reason }),
    facts,
  });
}

/** "get secrets \"redis-auth\" in namespace \"demo\"". */
function describeRight({ verb, group, resource, namespace, name }: ClusterAction): string {
  const kind = group === "" ? resource : `${resource} (${group})`;
  const which = name === undefined ? "" : ` "${name}"`;
  return `${verb} ${kind}${which}${namespace === undefined ? "" : ` in namespace "${namespace}"`}`;
}

function rightOf({ verb, group, resource, namespace, name }: ClusterAction): ClusterAction {
  return { verb, group, resource, namespace, name };
}

function notFound({ label, group, resource }: AskedAction, { isKnownKind }: { isKnownKind: boolean }): ParameterError {
  if (isKnownKind) return new ParameterError(`Cannot find ${label} in the cluster`, { reason: "ObjectNotFound" });
  const plural = resource.split("/")[0];
  return new ParameterError(`Cannot find ${label}: the cluster does not know ${group === "" ? plural : `${plural}.${group}`}`, {
    reason: "ObjectNotFound",
    hint: "Install the CustomResourceDefinition of this kind, in the version that is asked for",
  });
}

/** The API's own way to say no; an unknown kind, a proxy or another server answer differently. */
function statusObject(body: unknown): { reason?: string; message?: string } | undefined {
  if (typeof body !== "object" || body === null || !("kind" in body) || body.kind !== "Status") return undefined;
  const { reason, message } = body as { reason?: unknown; message?: unknown };
  return { ...(typeof reason === "string" ? { reason } : {}), ...(typeof message === "string" ? { message } : {}) };
}

function shorten(message: string): string {
  return message.length > 1000 ? `${message.slice(0, 1000)}…` : message;
}
