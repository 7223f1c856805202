import { faultOf, translateConnectionError, translateStatus, UNREADY_REASONS } from "../../../functions/elasticsearch/server-error.ts";
import { DatabaseRefusedError, DatabaseUnavailableError, exitCodeOf, type HoldfastError } from "../../../runner/errors.ts";

const security = (reason: string) => ({ type: "security_exception", reason });

// As the servers answered.
test.each<[string, number, unknown, string, number]>([
  ["wrong password", 401, fault(security("unable to authenticate user [lesser] for REST request [/]")), "WrongCredentials", 21],
  ["missing right", 403, fault(security("action [cluster:monitor/health] is unauthorized for user [u]")), "PermissionDenied", 21],
  ["a proxy's refusal", 403, { Message: "User: anonymous is not authorized" }, "PermissionDenied", 21],
  ["405 without an object", 405, { error: "Incorrect HTTP method for uri [/] and method [GET], allowed: [DELETE]" }, "DatabaseRefused", 21],
  ["no index", 404, fault({ type: "index_not_found_exception", reason: "no such index [x]" }), "DatabaseRefused", 21],
  ["read-only index", 403, fault({ type: "cluster_block_exception", reason: "index [x] blocked by: [FORBIDDEN/8]" }), "IndexBlocked", 21],
  [
    "full disk",
    429,
    fault({ type: "cluster_block_exception", reason: "blocked by: [TOO_MANY_REQUESTS/12/disk usage]" }),
    "IndexBlocked",
    21,
  ],
  [
    "state not recovered",
    503,
    fault({ type: "cluster_block_exception", reason: "blocked by: [SERVICE_UNAVAILABLE/1]" }),
    "ClusterNotReady",
    20,
  ],
  ["no master", 503, fault({ type: "master_not_discovered_exception", reason: null }), "ClusterNotReady", 20],
  ["shards missing", 503, fault({ type: "no_shard_available_action_exception", reason: "No shard available" }), "ClusterNotReady", 20],
  ["rejection", 429, fault({ type: "es_rejected_execution_exception", reason: "rejected execution" }), "DatabaseBusy", 20],
  ["memory", 429, fault({ type: "circuit_breaking_exception", reason: "[parent] Data too large" }), "DatabaseBusy", 20],
  ["gateway", 502, "<html>Bad Gateway</html>", "DatabaseBusy", 20],
  ["proxy's own failure", 500, "<html>oops</html>", "UnexpectedAnswer", 20],
  ["server's own failure", 500, fault({ type: "illegal_state_exception", reason: "failed to find action" }), "DatabaseRefused", 21],
  ["time-out of a proxy", 408, "", "UnexpectedAnswer", 20],
  ["too large", 413, "", "RequestTooLarge", 21],
  ["long line", 400, fault({ type: "too_long_http_line_exception", reason: "An HTTP line is larger" }), "RequestTooLarge", 21],
  ["redirect", 302, "", "Redirected", 21],
])("%s: %d with %j becomes %s", (_, status, body, reason, exitCode) => {
  const error = translate(status, body);

  expect([error.reason, exitCodeOf(error)]).toEqual([reason, exitCode]);
  expect(faultOf(error)).toMatchObject({ status });
});

test("the innermost cause is told", () => {
  const outer = { type: "search_phase_execution_exception", reason: "all shards failed" };
  const inner = { type: "search_context_missing_exception", reason: "No search context found for id [1]" };

  const error = translate(404, { error: { ...outer, root_cause: [inner] }, status: 404 });

  expect(faultOf(error)).toEqual({ status: 404, type: inner.type, message: inner.reason });
});

test("an error without inner causes tells itself", () => {
  const error = translate(503, { error: { root_cause: [], type: "search_phase_execution_exception", reason: "all shards failed" } });

  expect(faultOf(error)).toMatchObject({ type: "search_phase_execution_exception", message: "all shards failed" });
});

test("without credentials a 401 says that some are needed", () => {
  const error = translateStatus({ method: "GET", path: "/", status: 401, text: "", description: "D", isAnonymous: true });

  expect(error).toMatchObject({ reason: "AuthenticationRequired", hint: expect.stringContaining("spec.secret") });
});

test.each([
  [
    "action [cluster:monitor/state] is unauthorized for user [u] with effective roles [r], this action is granted by the cluster privileges [cross_cluster_replication,read_ccr,monitor,manage,all]",
    'Give the user the cluster privilege "monitor"',
  ],
  [
    "action [indices:data/read/search] is unauthorized for user [u] with effective roles [r] on indices [b1,b2], this action is granted by the index privileges [read,all]",
    'Give the user the index privilege "read" on b1,b2',
  ],
  [
    "action [indices:admin/refresh] is unauthorized for user [u] on indices [a], this action is granted by the index privileges [maintenance,manage,all]",
    'Give the user the index privilege "maintenance" on a',
  ],
  [
    "action [x] is unauthorized for user [u], this action is granted by the cluster privileges [odd,all]",
    'Give the user the cluster privilege "odd"',
  ],
  [
    "no permissions for [indices:data/read/search] and User [name=u, backend_roles=[], requestedTenant=null]",
    'Give the user the permission "indices:data/read/search"',
  ],
])("a refusal that names a right gives it as the hint: %#", (reason, hint) => {
  expect(translate(403, fault(security(reason))).hint).toBe(hint);
});

test("the hint is read from the whole text although the message is cut", () => {
  const roles = Array.from({ length: 200 }, (_, n) => `role-${n}`).join(",");
  const reason = `action [a] is unauthorized for user [u] with effective roles [${roles}], this action is granted by the index privileges [read,all]`;

  expect(translate(403, fault(security(reason))).hint).toBe('Give the user the index privilege "read"');
});

test("what a server quotes is cut, in messages and facts", () => {
  const error = translate(400, fault({ type: "mapper_parsing_exception", reason: `failed to parse: ${"document ".repeat(1_000)}` }));

  expect(error.message.length).toBeLessThan(400);
  expect(JSON.stringify(error.facts).length).toBeLessThan(450);
});

test("an address is cut, too", () => {
  const path = `/${"index,".repeat(1_000)}`;
  const error = translateStatus({ method: "GET", path, status: 404, text: "", description: "D" });

  expect(error.message.length).toBeLessThan(500);
});

test.each<[string, string, typeof DatabaseRefusedError | typeof DatabaseUnavailableError, RegExp]>([
  ["CERT_HAS_EXPIRED", "TlsVerificationFailed", DatabaseRefusedError, /has expired/],
  ["CERT_NOT_YET_VALID", "TlsVerificationFailed", DatabaseRefusedError, /not valid yet/],
  ["ERR_TLS_CERT_ALTNAME_INVALID", "TlsVerificationFailed", DatabaseRefusedError, /for other names/],
  ["SELF_SIGNED_CERT_IN_CHAIN", "TlsVerificationFailed", DatabaseRefusedError, /authority that is trusted/],
  ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "TlsVerificationFailed", DatabaseRefusedError, /authority that is trusted/],
  ["CERT_SIGNATURE_FAILURE", "TlsVerificationFailed", DatabaseRefusedError, /authority that is trusted/],
  ["ERR_SSL_WRONG_VERSION_NUMBER", "TlsRefused", DatabaseRefusedError, /does not speak TLS/],
  ["ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED", "TlsRefused", DatabaseRefusedError, /refuses the TLS connection/],
  ["ERR_SSL_UNSUPPORTED_PROTOCOL", "TlsRefused", DatabaseRefusedError, /No TLS connection/],
  ["HPE_INVALID_CONSTANT", "UnexpectedAnswer", DatabaseUnavailableError, /not answer in HTTP/],
  ["UND_ERR_HEADERS_TIMEOUT", "ServerSilent", DatabaseUnavailableError, /fell silent/],
  ["UND_ERR_BODY_TIMEOUT", "ServerSilent", DatabaseUnavailableError, /fell silent/],
  ["UND_ERR_SOCKET", "DatabaseUnreachable", DatabaseUnavailableError, /before its answer was complete/],
  ["ECONNREFUSED", "DatabaseUnreachable", DatabaseUnavailableError, /connection refused/],
  ["ENOTFOUND", "DatabaseUnreachable", DatabaseUnavailableError, /name does not exist/],
  ["EMFILE", "DatabaseUnreachable", DatabaseUnavailableError, /Cannot reach/],
])("%s is %s", (code, reason, kind, message) => {
  const error = translateConnectionError(Object.assign(new Error("said by a library"), { code }), "https://search:9200");

  expect(error).toBeInstanceOf(kind);
  expect(error).toMatchObject({ reason, message: expect.stringMatching(message) });
});

test.each([
  ["a defect of ours", new TypeError("x is not a function")],
  ["a wrong argument of ours", Object.assign(new Error("invalid path"), { code: "UND_ERR_INVALID_ARG" })],
  ["a named error", new DatabaseRefusedError("no")],
])("%s passes through: it is no bad network", (_, error) => {
  expect(translateConnectionError(error, "D")).toBe(error);
});

test("attempts on several addresses are judged by the first", () => {
  const attempts = new AggregateError([Object.assign(new Error("a"), { code: "ECONNREFUSED" }), new Error("b")]);

  expect(translateConnectionError(attempts, "D")).toMatchObject({ message: "Cannot reach D: connection refused" });
});

test("a wrong password, a missing right and a certificate are not waited for, all else that is unavailable is", () => {
  const waited = ["DatabaseUnreachable", "DatabaseBusy", "ServerSilent", "ClusterNotReady", "UnexpectedAnswer"];

  expect([...UNREADY_REASONS].sort()).toEqual(waited.sort());
});

function fault(cause: { type: string; reason: string | null }) {
  return { error: { root_cause: [cause], ...cause } };
}

function translate(status: number, body: unknown): HoldfastError {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return translateStatus({ method: "GET", path: "/x", status, text, description: "https://search:9200" });
}
