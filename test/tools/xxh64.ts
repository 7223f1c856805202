// XXH64 by its specification, word by word in BigInt: slow, and written without a look at the module it judges.

const PRIMES = [
  0n,
  11400714785074694791n,
  14029467366897019727n,
  1609587929392839161n,
  9650029242287828579n,
  2870177450012600261n,
] as const;

export function xxh64(bytes: Uint8Array, seed: bigint): bigint {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 0;
  let hash: bigint;
  if (bytes.length >= 32) {
    const lanes = [wrap(seed + PRIMES[1] + PRIMES[2]), wrap(seed + PRIMES[2]), seed, wrap(seed - PRIMES[1])];
    for (; at + 32 <= bytes.length; at += 32) {
      for (const lane of [0, 1, 2, 3]) lanes[lane] = round(lanes[lane]!, view.readBigUInt64LE(at + 8 * lane));
    }
    hash = wrap([1, 7, 12, 18].reduce((sum, turns, lane) => sum + rotate(lanes[lane]!, turns), 0n));
    for (const lane of lanes) hash = wrap((hash ^ round(0n, lane)) * PRIMES[1] + PRIMES[4]);
  } else {
    hash = wrap(seed + PRIMES[5]);
  }
  hash = wrap(hash + BigInt(bytes.length));
  for (; at + 8 <= bytes.length; at += 8) hash = wrap(rotate(hash ^ round(0n, view.readBigUInt64LE(at)), 27) * PRIMES[1] + PRIMES[4]);
  if (at + 4 <= bytes.length) {
    hash = wrap(rotate(hash ^ wrap(BigInt(view.readUInt32LE(at)) * PRIMES[1]), 23) * PRIMES[2] + PRIMES[3]);
    at += 4;
  }
  for (; at < bytes.length; at += 1) hash = wrap(rotate(hash ^ wrap(BigInt(view[at]!) * PRIMES[5]), 11) * PRIMES[1]);
  hash = wrap((hash ^ (hash >> 33n)) * PRIMES[2]);
  hash = wrap((hash ^ (hash >> 29n)) * PRIMES[3]);
  return hash ^ (hash >> 32n);
}

function round(lane: bigint, input: bigint): bigint {
  return wrap(rotate(wrap(lane + input * PRIMES[2]), 31) * PRIMES[1]);
}

function rotate(word: bigint, turns: number): bigint {
  return wrap((word << BigInt(turns)) | (word >> BigInt(64 - turns)));
}

function wrap(number: bigint): bigint {
  return BigInt.asUintN(64, number);
}
