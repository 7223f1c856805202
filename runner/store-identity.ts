import type { StoreIdentity } from "./metrics/metric-labels.ts";
import type { StoreLocation } from "./storage/open-store.ts";

/** A store as metrics name it, in Stash's words: of a directory, the path is the bucket. */
export function identifyStore(location: StoreLocation): StoreIdentity {
  return location.kind === "s3"
    ? { backend: "s3", bucket: location.bucket, prefix: location.prefix }
    : { backend: "local", bucket: location.path, prefix: "" };
}
