import { ClusterUnavailableError } from "../../runner/errors.ts";
import { GoneError, type WatchEvent } from "../objects-api.ts";
import type { ApiStatus } from "./ask-api.ts";
import { cutObject, liveObject } from "./live-object.ts";

const TYPES = { ADDED: "added", MODIFIED: "modified", DELETED: "deleted" } as const;

/**
 * One line of a watch.
 * @throws GoneError when the version is too old, ClusterUnavailableError for every other error and for what is no event
 */
export function parseWatchEvent(line: string, type: { readonly apiVersion: string; readonly kind: string }): WatchEvent {
  const { type: word, object } = parseLine(line);
  if (word === "ERROR") throw errorOf(object);
  if (word === "BOOKMARK") return { type: "bookmark", resourceVersion: liveVersion(object) };
  const happened = TYPES[word as keyof typeof TYPES];
  if (happened === undefined)
    throw new ClusterUnavailableError(`A watch of the Kubernetes API tells of an unknown event "${String(word)}"`);
  return { type: happened, object: cutObject(liveObject(object, type)) };
}

function parseLine(line: string): { readonly type?: unknown; readonly object?: unknown } {
  try {
    const parsed: unknown = JSON.parse(line);
    if (typeof parsed === "object" && parsed !== null) return parsed;
  } catch (cause) {
    // What the line holds stays out of the message: it may be anything.
    throw new ClusterUnavailableError("A watch of the Kubernetes API sent a line that is no JSON", { cause });
  }
  throw new ClusterUnavailableError("A watch of the Kubernetes API sent a line that is no event");
}

function liveVersion(object: unknown): string {
  const version = (object as { metadata?: { resourceVersion?: unknown } } | undefined)?.metadata?.resourceVersion;
  if (typeof version !== "string" || !/^\d+$/.test(version))
    throw new ClusterUnavailableError("A bookmark of the Kubernetes API has no version");
  return version;
}

function errorOf(object: unknown): Error {
  const { code, reason, message, details }: ApiStatus = typeof object === "object" && object !== null ? object : {};
  const said = message ?? "it does not say why";
  if (code === 410 || reason === "Expired" || reason === "Gone") return new GoneError(said);
  const seconds = details?.retryAfterSeconds;
  const facts = typeof seconds === "number" ? { retryAfterMs: seconds * 1000 } : {};
  return new ClusterUnavailableError(`The Kubernetes API broke off a watch (${code ?? "no code"}): ${said}`, { facts });
}
