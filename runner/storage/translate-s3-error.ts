import { HoldfastError, IncompleteError, StoreRefusedError, StoreUnavailableError } from "../errors.ts";
import { AlreadyExistsError, NotFoundError } from "./object-store.ts";

export interface S3Action {
  /** What was tried: `write object "data/1"`. */
  readonly action: string;
  readonly bucket: string;
  /** Shown when it cannot be reached; undefined for Amazon's own. */
  readonly endpoint: string | undefined;
  /** Set when the action is about one object. */
  readonly key?: string;
}

/**
 * The one place where the SDK's errors become decisions. Errors that have a name of ours already, and defects, come back as they are.
 * The cause keeps code and message only: the SDK's own error carries the request with its signature and session token.
 */
export function translateS3Error(error: unknown, tried: S3Action): unknown {
  if (error instanceof HoldfastError || error instanceof NotFoundError || error instanceof AlreadyExistsError) return error;
  const facts = factsOf(error);
  if (facts === undefined) return error;
  const cause = new Error(`${facts.code}: ${facts.message.slice(0, 300)}`);
  if (facts.code === "NoSuchKey" && tried.key !== undefined) return new NotFoundError(tried.key, { cause });
  if (facts.status === 412 && tried.key !== undefined) return new AlreadyExistsError(tried.key, { cause });
  if (/^Checksum mismatch/.test(facts.message)) {
    return new IncompleteError(
      `Cannot ${tried.action} in bucket "${tried.bucket}": the bytes that arrived are not those that were stored`,
      { cause },
    );
  }
  const refusal = refusalOf(facts);
  if (refusal === undefined) return unavailable(facts, tried, cause);
  const action = refusal.isOfBucket ? "open bucket" : `${tried.action} in bucket`;
  return new StoreRefusedError(`Cannot ${action} "${tried.bucket}": ${refusal.what}`, { hint: refusal.hint, cause });
}

/** Whether the failure of one key in a batch may pass by itself. */
export function isPassingFailure(code: string): boolean {
  return refusalOf({ code, status: undefined, message: "" }) === undefined && PASSING.test(code);
}

interface Facts {
  /** S3's code, Node's code, or the error's name, in this order. */
  readonly code: string;
  readonly status: number | undefined;
  readonly message: string;
}

/** Undefined for a defect: an error that is neither S3's, nor the network's, nor the SDK's. */
function factsOf(error: unknown): Facts | undefined {
  if (typeof error !== "object" || error === null) return undefined;
  const { name, message, code, Code, $metadata } = error as Readonly<Record<string, unknown>>;
  const status = ($metadata as { httpStatusCode?: number } | undefined)?.httpStatusCode;
  if ("$response" in error && !("$fault" in error)) {
    return { code: "UnreadableAnswer", status: status !== undefined && status >= 300 ? status : undefined, message: String(message) };
  }
  const known = [Code, code, name].find((text) => typeof text === "string" && text !== "" && text !== "Error");
  const isDefect = status === undefined && ["TypeError", "RangeError", "ReferenceError"].includes(String(known));
  if (known === undefined || isDefect) return isSdkText(message) ? { code: "Error", status, message: String(message) } : undefined;
  return { code: String(known), status, message: typeof message === "string" ? message : "" };
}

function isSdkText(message: unknown): boolean {
  return typeof message === "string" && /^(Connection lost|Checksum mismatch|@smithy|socket hang up)/.test(message);
}

function unavailable(facts: Facts, tried: S3Action, cause: Error): StoreUnavailableError {
  const at = tried.endpoint === undefined ? "" : ` at ${tried.endpoint}`;
  const why = NETWORK[facts.code] ?? (facts.status === undefined ? facts.code : `the store answered ${facts.status} ${facts.code}`);
  const hint =
    facts.code === "RequestTimeTooSkewed" ? "check the clock of this machine" : "check that the store is up and the endpoint is right";
  return new StoreUnavailableError(`Cannot ${tried.action} in bucket "${tried.bucket}"${at}: ${why}`, { cause, hint });
}

interface Refusal {
  readonly what: string;
  readonly hint: string;
  /** True when no object of the bucket could be used. */
  readonly isOfBucket?: boolean;
}

function refusalOf({ code, status, message }: Facts): Refusal | undefined {
  const byCode = REFUSALS[code];
  if (byCode !== undefined) return byCode;
  if (/^(CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|ERR_TLS_|HOSTNAME_MISMATCH|INVALID_CA)/.test(code)) return untrusted(code);
  if (code === "EPROTO" || /^ERR_SSL_/.test(code) || /HTTP request to an HTTPS server/.test(message)) return WRONG_SCHEME;
  if (status === 507) return FULL;
  if (PASSING.test(code) || status === undefined || status === 429 || (status >= 500 && status !== 501)) return undefined;
  if (status === 403) return DENIED;
  if (status >= 300 && status < 400) return WRONG_REGION;
  return {
    what: `the store answered ${status} ${code}`,
    hint: "check that the endpoint is an S3 store and that it is configured as documented",
  };
}

/** Codes below 500 that pass by themselves, and those that carry no status. A store with folders answers the last while one of them vanishes. */
const PASSING =
  /^(SlowDown|Throttl|TooManyRequests|RequestTimeout|RequestTimeTooSkewed|RequestLimitExceeded|InternalError|ServiceUnavailable|Busy|OperationAborted|ConditionalRequestConflict|IncompleteBody|BadDigest|XAmzContent|NoSuchUpload|ExpiredRequest|ExistingObjectIsDirectory)/;

const NETWORK: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "the connection was cut",
  EPIPE: "the connection was cut",
  ENOTFOUND: "the host name is not known",
  EAI_AGAIN: "the host name could not be resolved",
  EHOSTUNREACH: "the host cannot be reached",
  ENETUNREACH: "the network cannot be reached",
  ETIMEDOUT: "no answer in time",
  TimeoutError: "no answer in time",
  AbortError: "no answer in time",
  UnreadableAnswer: "the answer could not be read",
};

const DENIED: Refusal = { what: "access denied", hint: "check what the credentials in the storage secret may do with this bucket" };
const WRONG_KEY: Refusal = {
  what: "the credentials are refused",
  hint: "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the storage secret",
  isOfBucket: true,
};
const EXPIRED: Refusal = { what: "the session token is not valid any more", hint: "renew the credentials", isOfBucket: true };
const WRONG_REGION: Refusal = { what: "the bucket lies in another region", hint: "give the bucket's region", isOfBucket: true };
const FULL: Refusal = { what: "the store is full", hint: "free space, raise the quota, or prune old snapshots" };
const LOCKED: Refusal = { what: "the object is locked or not writable", hint: "check object lock and retention of the bucket" };
const WRONG_SCHEME: Refusal = {
  what: "one side speaks TLS and the other does not",
  hint: "write the endpoint with http:// or https://, as the server speaks",
  isOfBucket: true,
};
const NO_CREDENTIALS: Refusal = {
  what: "no credentials were found",
  hint: "put AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY into the storage secret, or give the service account a role",
  isOfBucket: true,
};

const REFUSALS: Readonly<Record<string, Refusal>> = {
  NoSuchBucket: { what: "it does not exist", hint: "create the bucket, or check its name and the endpoint", isOfBucket: true },
  InvalidBucketName: { what: "the name is not valid", hint: "check the bucket's name", isOfBucket: true },
  AccessDenied: DENIED,
  AllAccessDisabled: DENIED,
  AccountProblem: DENIED,
  InvalidAccessKeyId: WRONG_KEY,
  SignatureDoesNotMatch: WRONG_KEY,
  XAdminUserNotFound: WRONG_KEY,
  InvalidClientTokenId: WRONG_KEY,
  ExpiredToken: EXPIRED,
  InvalidToken: EXPIRED,
  CredentialsProviderError: NO_CREDENTIALS,
  PermanentRedirect: WRONG_REGION,
  TemporaryRedirect: WRONG_REGION,
  AuthorizationHeaderMalformed: WRONG_REGION,
  IllegalLocationConstraintException: WRONG_REGION,
  QuotaExceeded: FULL,
  XMinioStorageFull: FULL,
  XMinioAdminBucketQuotaExceeded: FULL,
  ObjectLocked: LOCKED,
  MethodNotAllowed: LOCKED,
  InvalidObjectState: {
    what: "the object lies in an archive tier",
    hint: "restore it from the archive first; keep backups in a tier that can be read",
  },
  ObjectParentIsFile: { what: "an object lies where a folder is needed", hint: "give the store a prefix of its own" },
  EntityTooLarge: { what: "the object is too large for this store", hint: "raise the store's limit" },
  NotImplemented: { what: "the store does not know this operation", hint: "use a store with conditional writes and multipart uploads" },
};

function untrusted(code: string): Refusal {
  return {
    what: `the server's certificate is not trusted (${code})`,
    hint: "give the authority that signed it: CA_CERT_DATA in the storage secret, or --s3-ca",
    isOfBucket: true,
  };
}
