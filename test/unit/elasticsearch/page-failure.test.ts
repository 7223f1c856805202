import { judgeOpening } from "../../../functions/elasticsearch/judge-opening.ts";
import { judgePageFailure, PageTooLargeError, UnsoundPageError } from "../../../functions/elasticsearch/page-failure.ts";
import { MalformedPageError } from "../../../functions/elasticsearch/page-reading.ts";
import { translateStatus } from "../../../functions/elasticsearch/server-error.ts";
import { DatabaseUnavailableError, IncompleteError } from "../../../runner/errors.ts";

const answer = (status: number, error: unknown) =>
  translateStatus({ ...{ method: "POST", path: "/_search", status, description: "http://x" }, text: JSON.stringify({ error, status }) });
const fault = (status: number, type: string, reason = "") => answer(status, { root_cause: [{ type, reason }], type: "outer", reason });

test.each([
  ["an answer beyond our limit", new PageTooLargeError("x"), "smaller"],
  ["an answer that ends too early", new MalformedPageError("x", { fault: "cut-short", offset: 1 }), "repeat"],
  ["an answer that is something else", new MalformedPageError("x", { fault: "unexpected", offset: 1 }), "repeat-few"],
  ["an error with a good status", new MalformedPageError("x", { fault: "error-answer", offset: 1 }), "repeat"],
  ["a page that cannot be right", new UnsoundPageError("x"), "repeat-few"],
  ["a failed shard", new UnsoundPageError("x", ["node_disconnected_exception"]), "repeat"],
  ["a shard with a full queue", new UnsoundPageError("x", ["es_rejected_execution_exception"]), "slower"],
  ["a shard without memory", new UnsoundPageError("x", ["circuit_breaking_exception"]), "smaller"],
  ["a shard without its context", new UnsoundPageError("x", ["search_context_missing_exception"]), "gone"],
  ["a lost connection", new DatabaseUnavailableError("x", { reason: "DatabaseUnreachable" }), "repeat"],
  ["a lost context", fault(404, "search_context_missing_exception"), "gone"],
  ["a deleted index", fault(404, "index_not_found_exception"), "gone"],
  ["a closed index", fault(400, "index_closed_exception"), "gone"],
  ["nobody for the shard", fault(503, "no_shard_available_action_exception"), "absent"],
  ["a full queue", fault(429, "es_rejected_execution_exception"), "slower"],
  ["a full queue of OpenSearch", fault(503, "rejected_execution_exception"), "slower"],
  ["no memory", fault(429, "circuit_breaking_exception", "[parent] Data too large"), "smaller"],
  ["a result window that shrank", fault(400, "illegal_argument_exception", "Result window is too large, …"), "smaller"],
  ["an error inside the server", fault(500, "transport_exception"), "repeat-few"],
  ["a gateway", answer(502, undefined), "repeat"],
  ["a missing right", fault(403, "security_exception"), "final"],
  ["a wrong password", fault(401, "security_exception"), "final"],
  ["a wrong request", fault(400, "parsing_exception"), "final"],
  ["an incomplete answer by our own judgement", new IncompleteError("x"), "final"],
  ["a defect of ours", new TypeError("x"), "final"],
] as const)("%s", (_, error, verdict) => {
  expect(judgePageFailure(error)).toBe(verdict);
});

test.each([
  ["no handler", answer(400, "no handler found for uri [/a/_pit]"), "no-such-api"],
  ["another method", answer(405, "Incorrect HTTP method"), "no-such-api"],
  ["a managed service without it", answer(403, undefined), "no-such-api"],
  ["a name that is none", fault(400, "invalid_index_name_exception"), "no-such-api"],
  ["no id in the answer", new UnsoundPageError("x"), "no-such-api"],
  ["a missing index", fault(404, "index_not_found_exception"), "no-index"],
  ["a closed index", fault(400, "index_closed_exception"), "no-index"],
  [
    "the server's limit",
    fault(429, "rejected_execution_exception", "Trying to create too many Point In Time contexts. Must be …"),
    "too-many",
  ],
  ["a full queue", fault(429, "rejected_execution_exception", "rejected execution of"), "failed"],
  ["a missing right", fault(403, "security_exception", "action [indices:data/read/open_point_in_time] is unauthorized"), "failed"],
  ["a block", fault(403, "cluster_block_exception"), "failed"],
  ["a keep-alive that is too long", fault(400, "illegal_argument_exception", "Keep alive for request (2d) is too large"), "failed"],
  ["a wrong password", fault(401, ""), "failed"],
] as const)("a point in time that is refused: %s", (_, error, verdict) => {
  expect(judgeOpening(error)).toBe(verdict);
});
