import { inspect } from "node:util";
import { IncompleteError, StoreUnavailableError } from "../../../runner/errors.ts";
import { NotFoundError } from "../../../runner/storage/object-store.ts";
import { isPassingFailure, translateS3Error } from "../../../runner/storage/translate-s3-error.ts";

const TRIED = { action: 'write object "data/1"', bucket: "backups", endpoint: "https://minio:9000", key: "data/1" };

function s3Error(name: string, status: number, message = "Injected"): Error {
  return Object.assign(new Error(message), { name, $fault: "client", $metadata: { httpStatusCode: status } });
}

function networkError(code: string): Error {
  return Object.assign(new Error(`connect ${code}`), { code });
}

test.each([
  ["NoSuchBucket", 404, 'Cannot open bucket "backups": it does not exist'],
  ["XAdminUserNotFound", 404, 'Cannot open bucket "backups": the credentials are refused'],
  ["InvalidAccessKeyId", 403, 'Cannot open bucket "backups": the credentials are refused'],
  ["SignatureDoesNotMatch", 403, 'Cannot open bucket "backups": the credentials are refused'],
  ["ExpiredToken", 400, 'Cannot open bucket "backups": the session token is not valid any more'],
  ["AccessDenied", 403, 'Cannot write object "data/1" in bucket "backups": access denied'],
  ["Whatever", 403, 'Cannot write object "data/1" in bucket "backups": access denied'],
  ["PermanentRedirect", 301, 'Cannot open bucket "backups": the bucket lies in another region'],
  ["AuthorizationHeaderMalformed", 400, 'Cannot open bucket "backups": the bucket lies in another region'],
  ["XMinioStorageFull", 507, 'Cannot write object "data/1" in bucket "backups": the store is full'],
  ["InsufficientStorage", 507, 'Cannot write object "data/1" in bucket "backups": the store is full'],
  ["NotImplemented", 501, 'Cannot write object "data/1" in bucket "backups": the store does not know this operation'],
  ["InvalidRequest", 400, 'Cannot write object "data/1" in bucket "backups": the store answered 400 InvalidRequest'],
  ["PageNotFound", 404, 'Cannot write object "data/1" in bucket "backups": the store answered 404 PageNotFound'],
])("%s (%i) is a refusal with a hint", (code, status, message) => {
  const error = translateS3Error(s3Error(code, status), TRIED);

  expect(error).toMatchObject({ name: "StoreRefusedError", exitCode: 31, message, hint: expect.stringMatching(/./) });
});

test.each([
  ["InternalError", 500],
  ["ServiceUnavailable", 503],
  ["SlowDown", 503],
  ["BadGateway", 502],
  ["TooManyRequests", 429],
  ["ThrottlingException", 400],
  ["RequestTimeout", 400],
  ["RequestTimeTooSkewed", 403],
  ["OperationAborted", 409],
  ["ConditionalRequestConflict", 409],
  ["BadDigest", 400],
  ["NoSuchUpload", 404],
])("%s (%i) may pass by itself", (code, status) => {
  const error = translateS3Error(s3Error(code, status), TRIED);

  expect(error).toMatchObject({ name: "StoreUnavailableError", exitCode: 30 });
});

test.each([
  ["ECONNREFUSED", "connection refused"],
  ["ECONNRESET", "the connection was cut"],
  ["ENOTFOUND", "the host name is not known"],
  ["ETIMEDOUT", "no answer in time"],
])("%s of the network may pass by itself, and names the endpoint", (code, what) => {
  const error = translateS3Error(networkError(code), TRIED);

  expect(error).toMatchObject({
    name: "StoreUnavailableError",
    message: `Cannot write object "data/1" in bucket "backups" at https://minio:9000: ${what}`,
  });
});

test.each([
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "CERT_HAS_EXPIRED",
  "ERR_TLS_CERT_ALTNAME_INVALID",
])("%s is a refusal that names the authority", (code) => {
  expect(translateS3Error(networkError(code), TRIED)).toMatchObject({
    name: "StoreRefusedError",
    hint: expect.stringContaining("CA_CERT_DATA"),
  });
});

test("a missing object is missing, and one that exists, exists", () => {
  expect(translateS3Error(s3Error("NoSuchKey", 404), TRIED)).toMatchObject({ name: "NotFoundError", key: "data/1" });
  expect(translateS3Error(s3Error("PreconditionFailed", 412), TRIED)).toMatchObject({ name: "AlreadyExistsError", key: "data/1" });
});

test("no credentials at all are a refusal", () => {
  const error = translateS3Error(Object.assign(new Error("Could not load credentials"), { name: "CredentialsProviderError" }), TRIED);

  expect(error).toMatchObject({ name: "StoreRefusedError", message: 'Cannot open bucket "backups": no credentials were found' });
});

test("a checksum that differs means that what is stored is not what was there", () => {
  expect(translateS3Error(new Error('Checksum mismatch: expected "a" but received "b"'), TRIED)).toBeInstanceOf(IncompleteError);
});

test("our own errors and defects stay as they are", () => {
  for (const error of [new StoreUnavailableError("x"), new NotFoundError("k"), new TypeError("defect"), new Error("of a source"), "text"]) {
    expect(translateS3Error(error, TRIED)).toBe(error);
  }
});

test("nothing of the request is carried along", () => {
  const error = Object.assign(s3Error("SignatureDoesNotMatch", 403), {
    AWSAccessKeyId: "AKIACANARY",
    CanonicalRequest: "x-amz-security-token:CANARY-TOKEN",
    $response: { headers: { authorization: "AWS4-HMAC-SHA256 CANARY" } },
  });

  expect(inspect(translateS3Error(error, TRIED), { depth: 10, showHidden: true })).not.toContain("CANARY");
});

test("of single keys in a batch, throttling passes and a lock does not", () => {
  expect(["SlowDown", "InternalError", "ServiceUnavailable"].map(isPassingFailure)).toEqual([true, true, true]);
  expect(["AccessDenied", "InvalidRequest", "ObjectLocked", "", "Anything"].map(isPassingFailure)).toEqual([
    false,
    false,
    false,
    false,
    false,
  ]);
});
