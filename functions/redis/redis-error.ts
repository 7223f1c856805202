// The one place where what Redis, the network and the client library say becomes one of our errors.
import { DatabaseRefusedError, DatabaseUnavailableError, type ErrorOptions, HoldfastError } from "../../runner/errors.ts";

/** An error reply, cut so that it cannot carry an argument of ours. */
export class RedisReplyError extends Error {
  constructor(text: string) {
    super(withoutArguments(text));
    this.name = "RedisReplyError";
  }
}

/** Reasons that time may heal; `retryWhileUnready` waits for these. */
export const UNREADY_REASONS: ReadonlySet<string> = new Set([
  "DatabaseUnreachable",
  "DatabaseLoading",
  "DatabaseBusy",
  "PrimaryLinkDown",
  "TooManyClients",
]);

/**
 * Translates anything thrown by a socket, by ioredis or by an error reply. `action` completes "Cannot …" ("run INFO"). What is already a
 * HoldfastError stays as it is.
 */
export function translateRedisError(error: unknown, action: string, description: string): HoldfastError {
  if (error instanceof HoldfastError) return error;
  const prefix = `Cannot ${action} at ${description}`;
  if (error instanceof RedisReplyError) return translateReply(error, prefix);
  if (Error.isError(error) && error.name === "ReplyError") return translateReply(new RedisReplyError(error.message), prefix);
  return translateNetworkError(error, prefix);
}

type Rule = readonly [pattern: RegExp, decision: "unavailable" | "refused", reason: string, text: (reply: string) => string, hint?: string];

const REPLIES: readonly Rule[] = [
  [/^LOADING/, "unavailable", "DatabaseLoading", () => "the server is still loading its data"],
  [
    /^MASTERDOWN|^NOMASTERLINK/,
    "unavailable",
    "PrimaryLinkDown",
    () => "this replica has no link to its primary",
    "Name the primary, or a replica that is in sync",
  ],
  [/^BUSY /, "unavailable", "DatabaseBusy", () => "the server is busy running a script"],
  [/^CLUSTERDOWN|^TRYAGAIN/, "unavailable", "DatabaseBusy", (reply) => `the cluster is not ready (${reply})`],
  [/max number of clients/, "unavailable", "TooManyClients", () => "the server has reached its number of clients (maxclients)"],
  [
    /^WRONGPASS|invalid password/,
    "refused",
    "WrongCredentials",
    () => "wrong user name or password, or the user is disabled",
    'Check "username" and "password" in the Secret',
  ],
  [
    /^NOAUTH/,
    "refused",
    "AuthenticationRequired",
    () => "the server demands a password and none is given",
    'Put "password" (and "username" for an ACL user) into the Secret',
  ],
  [/^NOPERM/, "refused", "PermissionDenied", (reply) => `permission denied (${reply})`],
  [
    /^DENIED/,
    "refused",
    "ProtectedMode",
    () => "the server is in protected mode and answers no other host",
    "Set a password, or protected-mode no",
  ],
  [
    /unknown command|command disallowed|not allowed|is disabled/i,
    "refused",
    "CommandUnavailable",
    (reply) => `the server does not offer this command (${reply})`,
  ],
];

function translateReply(error: RedisReplyError, prefix: string): HoldfastError {
  const rule = REPLIES.find(([pattern]) => pattern.test(error.message));
  if (rule === undefined) return new DatabaseRefusedError(`${prefix}: ${error.message}`, { cause: error });
  const [, decision, reason, text, hint] = rule;
  const options: ErrorOptions = { cause: error, reason, ...(hint === undefined ? {} : { hint }) };
  const message = `${prefix}: ${text(error.message)}`;
  return decision === "refused" ? new DatabaseRefusedError(message, options) : new DatabaseUnavailableError(message, options);
}

const UNREACHABLE: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection reset by the server",
  EPIPE: "connection closed by the server",
  EHOSTUNREACH: "no route to the host",
  ENETUNREACH: "the network is unreachable",
  ETIMEDOUT: "no answer in time",
  EAI_AGAIN: "the name cannot be resolved at the moment",
  ENOTFOUND: "the name does not exist",
};

function translateNetworkError(error: unknown, prefix: string): HoldfastError {
  const code = errorCode(error);
  const known = UNREACHABLE[code];
  if (known !== undefined) return new DatabaseUnavailableError(`${prefix}: ${known}`, { cause: error, reason: "DatabaseUnreachable" });
  const text = Error.isError(error) ? error.message.trim().replaceAll(/\s+/g, " ") : String(error);
  if (code === "EPROTO" || code.startsWith("ERR_SSL"))
    return new DatabaseRefusedError(`${prefix}: no TLS connection (${code}): ${tlsAlert(text)}`, {
      cause: error,
      reason: "TlsRefused",
      hint: "Does this port speak TLS, and does it demand a client certificate?",
    });
  if (/CERT|ALTNAME|UNABLE_TO|SELF_SIGNED|HOSTNAME_MISMATCH/.test(code))
    return new DatabaseRefusedError(`${prefix}: its certificate cannot be verified (${code}): ${text}`, {
      cause: error,
      reason: "TlsVerificationFailed",
      hint: "Check the CA (caBundle) and the server name (serverName)",
    });
  return new DatabaseUnavailableError(`${prefix}: ${text}`, {
    cause: error,
    reason: "DatabaseUnreachable",
    hint: "Check host and port, and whether this port speaks TLS (scheme rediss, or a CA)",
  });
}

/** OpenSSL's texts read "…:error:0A000126:SSL routines::unexpected eof while reading:../deps/…": the middle is for people. */
function tlsAlert(text: string): string {
  return /SSL routines:[^:]*:([^:]+)/.exec(text)?.[1] ?? text;
}

/** Attempts on several addresses arrive as an AggregateError, which carries the code of the first. */
function errorCode(error: unknown): string {
  if (typeof error !== "object" || error === null) return "";
  if ("code" in error && typeof error.code === "string") return error.code;
  if (error instanceof AggregateError && error.errors.length > 0) return errorCode(error.errors[0]);
  return "";
}

/** "unknown command" replies repeat the arguments, which for AUTH is the password. */
function withoutArguments(text: string): string {
  const printable = text.replaceAll(/[^\x20-\x7e]/g, "?");
  return printable
    .replace(/,? ?with args beginning with.*$/i, "")
    .replace(/,?\s*$/, "")
    .slice(0, 300);
}
