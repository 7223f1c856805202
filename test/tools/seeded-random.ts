// The same seed gives the same data, on every machine.

export interface SeededRandom {
  /** A whole number from 0 up to, not including, `limit` (at most 2^32). */
  below(limit: number): number;
  /** True once in `n`. */
  oneIn(n: number): boolean;
  /** Printable words, about `length` characters; compresses as prose does. */
  text(length: number): string;
  /** Bytes that do not compress. */
  bytes(length: number): Buffer;
}

const WORDS = (
  "amber anchor basin beacon bridge canal cedar chalk cliff cloud coast copper coral delta drift ember fable falcon fern field " +
  "fjord flint forest garden glacier granite harbor hazel heron hollow island ivory juniper kelp lagoon lantern larch ledger lime " +
  "marble meadow mill moss north oak ocean opal orchard otter pebble pine quarry rain reef river saddle salt shore silver slate " +
  "spring stone storm summit swan thicket tide timber valley willow"
).split(" ");

/** Mulberry32: small, fast and even enough for test data; not for secrets. */
export function seededRandom(seed: number): SeededRandom {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  const below = (limit: number) => Math.floor((next() / 0x1_0000_0000) * limit);
  return {
    below,
    oneIn: (n) => below(n) === 0,
    text(length) {
      let text = "";
      while (text.length < length) text += `${WORDS[below(WORDS.length)]} `;
      return text.slice(0, length);
    },
    bytes(length) {
      const words = new Uint32Array(Math.ceil(length / 4));
      for (let index = 0; index < words.length; index++) words[index] = next();
      return Buffer.from(words.buffer, 0, length);
    },
  };
}
