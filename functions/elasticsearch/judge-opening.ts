import { UnsoundPageError } from "./page-failure.ts";
import { faultOf } from "./server-error.ts";

/** Why a point in time was not opened. */
export type OpeningVerdict =
  /** Its index is not there, or closed. */
  | "no-index"
  /** There are as many as the server allows: later, when others are closed. */
  | "too-many"
  /** The server, or what stands before it, does not know of points in time. */
  | "no-such-api"
  | "failed";

/** A right that is missing and a block are no missing API: falling back would only hide them. */
export function judgeOpening(error: unknown): OpeningVerdict {
  // An answer without an id comes from something else than a server that opened one.
  if (error instanceof UnsoundPageError) return "no-such-api";
  const fault = faultOf(error);
  if (fault === undefined) return "failed";
  if (fault.type === "index_not_found_exception" || fault.type === "index_closed_exception") return "no-index";
  if (/too many Point In Time contexts/i.test(fault.message)) return "too-many";
  if (fault.status === 405) return "no-such-api";
  const isOfRouting = fault.type === "" || fault.type === "invalid_index_name_exception" || fault.type === "invalid_type_name_exception";
  return [400, 403, 404].includes(fault.status) && isOfRouting ? "no-such-api" : "failed";
}
