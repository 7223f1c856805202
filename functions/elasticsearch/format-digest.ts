/** What a stream's digest is written as: the sum of its documents' hashes and their number (DIGEST.md). */
export function formatDigest(sum: bigint, count: number): string {
  return `xxh64-sum:${BigInt.asUintN(64, sum).toString(16).padStart(16, "0")}:${count}`;
}
