import type { DatabasePlace, RepositoryPlace } from "./places.ts";

/** A certificate goes unchecked only when the user said so, and never in silence. */
export function warnOfUnverifiedTls(
  places: { readonly database?: DatabasePlace; readonly repository: RepositoryPlace },
  warn: (reason: string, message: string) => void,
): void {
  const { location } = places.repository;
  const why = "certificate is not verified, because the user said so: anybody on the way can pose as it";
  if (places.database?.connection.tls.verify === false) warn("TLSNotVerified", `The database's ${why}`);
  if (location.kind === "s3" && location.insecureTls) warn("StoreTLSNotVerified", `The store's ${why}`);
}
