import { RedisReplyError, translateRedisError } from "../../../functions/redis/redis-error.ts";
import { DatabaseRefusedError, DatabaseUnavailableError, ParameterError } from "../../../runner/errors.ts";

const translate = (error: unknown) => translateRedisError(error, "run INFO", "redis://demo:6379");

test.each([
  ["LOADING Redis is loading the dataset in memory", DatabaseUnavailableError, "DatabaseLoading"],
  ["MASTERDOWN Link with MASTER is down", DatabaseUnavailableError, "PrimaryLinkDown"],
  ["BUSY Redis is busy running a script", DatabaseUnavailableError, "DatabaseBusy"],
  ["ERR max number of clients reached", DatabaseUnavailableError, "TooManyClients"],
  ["WRONGPASS invalid username-password pair or user is disabled.", DatabaseRefusedError, "WrongCredentials"],
  ["ERR invalid password", DatabaseRefusedError, "WrongCredentials"],
  ["NOAUTH Authentication required.", DatabaseRefusedError, "AuthenticationRequired"],
  ["NOPERM User x has no permissions to run the 'info' command", DatabaseRefusedError, "PermissionDenied"],
  ["DENIED Redis is running in protected mode", DatabaseRefusedError, "ProtectedMode"],
  ["ERR unknown command 'INFO'", DatabaseRefusedError, "CommandUnavailable"],
  ["ERR of another kind", DatabaseRefusedError, "DatabaseRefused"],
])("the reply %s becomes a decision, from our links and from the client library alike", (text, type, reason) => {
  const ours = translate(new RedisReplyError(text));
  const theirs = translate(Object.assign(new Error(text), { name: "ReplyError" }));

  for (const error of [ours, theirs]) {
    expect(error).toBeInstanceOf(type);
    expect(error.reason).toBe(reason);
    expect(error.message).toMatch(/^Cannot run INFO at redis:\/\/demo:6379: /);
  }
});

test.each([
  ["ECONNREFUSED", DatabaseUnavailableError, "DatabaseUnreachable"],
  ["ENOTFOUND", DatabaseUnavailableError, "DatabaseUnreachable"],
  ["DEPTH_ZERO_SELF_SIGNED_CERT", DatabaseRefusedError, "TlsVerificationFailed"],
  ["ERR_TLS_CERT_ALTNAME_INVALID", DatabaseRefusedError, "TlsVerificationFailed"],
  ["CERT_HAS_EXPIRED", DatabaseRefusedError, "TlsVerificationFailed"],
  ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", DatabaseRefusedError, "TlsVerificationFailed"],
  ["ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED", DatabaseRefusedError, "TlsRefused"],
  ["EPROTO", DatabaseRefusedError, "TlsRefused"],
])("the network's %s becomes a decision", (code, type, reason) => {
  const cause = Object.assign(new Error("of the network"), { code });

  const error = translate(cause);

  expect(error).toBeInstanceOf(type);
  expect(error.reason).toBe(reason);
  expect(error.cause).toBe(cause);
});

test("failures on several addresses of one name count as the first of them", () => {
  const refused = Object.assign(new Error("connect ECONNREFUSED ::1:6379"), { code: "ECONNREFUSED" });

  expect(translate(new AggregateError([refused]))).toHaveProperty("message", expect.stringContaining("connection refused"));
});

test("a failure that has its name already keeps it", () => {
  const named = new ParameterError("wrong");

  expect(translate(named)).toBe(named);
});

test("the arguments that a server repeats do not reach a message, nor its cause", () => {
  const error = translate(new RedisReplyError("ERR unknown command 'AUTH', with args beginning with: 'canary-2' "));

  expect(`${error.message} ${error.cause}`).not.toContain("canary-2");
});
