import { DatabaseRefusedError } from "../../runner/errors.ts";
import { faultOf, type ServerFault } from "./server-error.ts";
import type { SearchRequest, SearchTransport } from "./transport.ts";

/**
 * The answer, or undefined where the server does not have this API: it then takes the path for an index of an impossible name, or for one without a
 * handler. Whoever may not ask, and a server that fails, is an error: that is not "there is none". @throws HoldfastError, with `right` as its hint
 */
export async function readIfThere(transport: SearchTransport, request: SearchRequest, right: string): Promise<unknown> {
  try {
    const { status, json } = await transport.json({ ...request, statuses: [404] });
    // Some say so when they have the API and nothing in it; a proxy's own page is no JSON, and fails.
    return status === 404 && isError(json) ? undefined : json;
  } catch (error) {
    const fault = faultOf(error);
    if (fault !== undefined && isMissingApi(fault)) return undefined;
    // Taken for an index, the path has no such parameters; nor has an older form of the API.
    if (fault?.status === 400 && fault.message.includes("unrecognized parameter") && request.query !== undefined)
      return readIfThere(transport, withoutQuery(request), right);
    if (!(error instanceof DatabaseRefusedError) || error.reason !== "PermissionDenied") throw error;
    throw new DatabaseRefusedError(error.message, {
      cause: error,
      reason: error.reason,
      facts: error.facts,
      hint: `The user needs ${right}`,
    });
  }
}

function isError(json: unknown): boolean {
  return typeof json !== "object" || json === null || "error" in json;
}

function withoutQuery({ query: _, ...request }: SearchRequest): SearchRequest {
  return request;
}

function isMissingApi({ status, type, message }: ServerFault): boolean {
  // 410: Elastic's serverless offers.
  if (status === 405 || status === 410) return true;
  if (status === 400) return type === "invalid_index_name_exception" || message.startsWith("no handler found");
  // Elasticsearch's features beyond the licence.
  return status === 403 && message.includes("license is non-compliant");
}
