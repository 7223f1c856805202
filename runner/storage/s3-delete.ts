import type { S3Client } from "@aws-sdk/client-s3";
import { StoreRefusedError, StoreUnavailableError } from "../errors.ts";
import { isPassingFailure } from "./translate-s3-error.ts";

// The most that one request may name.
const BATCH = 1000;

/** Removes objects in batches, in order, up to the first batch with a failure. A missing key is fine. */
export async function deleteObjects(
  client: S3Client,
  keys: readonly string[],
  options: { bucket: string; prefix: string; signal: AbortSignal | undefined },
): Promise<void> {
  const { bucket, prefix, signal } = options;
  const { DeleteObjectsCommand } = await import("@aws-sdk/client-s3");
  for (let start = 0; start < keys.length; start += BATCH) {
    signal?.throwIfAborted();
    const batch = keys.slice(start, start + BATCH);
    const command = new DeleteObjectsCommand({
      Bucket: bucket,
      Delete: { Objects: batch.map((key) => ({ Key: prefix + key })) },
    });
    const { Errors = [], Deleted = [] } = await client.send(command, { abortSignal: signal });
    throwFailures(Errors, batch.length, { bucket, prefix });
    // Not "quiet": whoever is no S3 store may answer 200 too, and confirms nothing.
    const confirmed = new Set([...Deleted, ...Errors].map(({ Key }) => Key));
    const forgotten = batch.find((key) => !confirmed.has(prefix + key));
    if (forgotten !== undefined)
      throw new StoreUnavailableError(`Cannot delete "${forgotten}" in bucket "${bucket}": the store did not confirm it`);
  }
}

interface KeyFailure {
  readonly Key?: string | undefined;
  readonly Code?: string | undefined;
  readonly Message?: string | undefined;
}

function throwFailures(errors: readonly KeyFailure[], asked: number, { bucket, prefix }: { bucket: string; prefix: string }): void {
  const failures = errors.filter(({ Code }) => Code !== "NoSuchKey" && Code !== "NoSuchVersion");
  // A refusal is the one to tell: it stays when the rest has passed.
  const refusals = failures.filter(({ Code }) => !isPassingFailure(Code ?? ""));
  const [first] = refusals.length > 0 ? refusals : failures;
  if (first === undefined) return;
  const key = (first.Key ?? "").startsWith(prefix) ? (first.Key ?? "").slice(prefix.length) : (first.Key ?? "");
  const message = `Cannot delete ${failures.length} of ${asked} objects in bucket "${bucket}", the first "${key}": ${first.Message || first.Code}`;
  const options = {
    cause: new Error(`${first.Code}: ${first.Message}`),
    hint: "check the credentials' rights to delete, object lock and retention",
  };
  throw refusals.length > 0 ? new StoreRefusedError(message, options) : new StoreUnavailableError(message, options);
}
