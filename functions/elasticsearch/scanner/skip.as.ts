// Skips JSON values without reading them. Every function takes the address where something begins and answers the address behind it,
// or 0 after `fail`. Loads go up to 64 bytes past what was received: those bytes are zero.

/** Why the last call answered 0. */
export const CUT_SHORT: i32 = 1;
export const UNEXPECTED: i32 = 2;
/** A "/" outside of strings: a comment, if anything. */
export const COMMENT: i32 = 3;

export let fault: i32 = 0;
export let faultAt: usize = 0;
/** Newlines between tokens become blanks (a page); otherwise they are faults (a line). */
export let mayBlank: bool = false;
/** Behind the last byte received. */
export let limit: usize = 0;
/** Where the last backslash of a string skipped by `skipString` stood. */
export let lastEscape: usize = 0;

export function prepare(end: usize, blanks: bool): void {
  fault = 0;
  limit = end;
  lastEscape = 0;
  mayBlank = blanks;
}

export function fail(code: i32, at: usize): usize {
  fault = at >= limit ? CUT_SHORT : code;
  faultAt = min(at, limit);
  return 0;
}

/** `at`: the first byte within the quotes. Control bytes, which no string may hold, are faults: this reads what a server wrote itself. */
export function skipString(at: usize): usize {
  while (at < limit) {
    const block = v128.load(at);
    const stops = i8x16.bitmask(
      v128.or(
        v128.or(i8x16.eq(block, i8x16.splat(0x22)), i8x16.eq(block, i8x16.splat(0x5c))),
        i8x16.lt_u(block, i8x16.splat(0x20)),
      ),
    );
    if (stops == 0) {
      at += 16;
      continue;
    }
    at += <usize>ctz(stops);
    const byte = load<u8>(at);
    if (byte == 0x22) return at < limit ? at + 1 : fail(CUT_SHORT, at);
    if (byte != 0x5c) return fail(UNEXPECTED, at);
    lastEscape = at;
    at += 2;
  }
  return fail(CUT_SHORT, at);
}

/** A number, `true`, `false` or `null`; what exactly, nobody here cares. */
export function skipScalar(at: usize): usize {
  const start = at;
  while (true) {
    const byte = load<u8>(at);
    const isPart = <u8>(byte - 0x30) < 10 || <u8>((byte | 0x20) - 0x61) < 26 || byte == 0x2d || byte == 0x2b || byte == 0x2e;
    if (!isPart) break;
    at += 1;
  }
  return at == start || at >= limit ? fail(UNEXPECTED, at) : at;
}

export function skipValue(at: usize): usize {
  const byte = load<u8>(at);
  if (byte == 0x22) return skipString(at + 1);
  if (byte == 0x7b || byte == 0x5b) return skipContainer(at);
  return skipScalar(at);
}

/**
 * An object or array with all that is in it, 64 bytes a step: quotes, backslashes and brackets become bit masks, and only a block that can hold
 * the end is looked at bit by bit. Kinds of brackets are not told apart: a server that sends `[}` would have refused it before.
 */
export function skipContainer(at: usize): usize {
  let depth: u64 = 1;
  let inString: u64 = 0;
  let escapes: u64 = 0;
  for (at += 1; at < limit; at += 64) {
    const a = v128.load(at);
    const b = v128.load(at, 16);
    const c = v128.load(at, 32);
    const d = v128.load(at, 48);

    let quotes = equal(a, b, c, d, 0x22);
    const backslash = i8x16.splat(0x5c);
    const anyBackslash = v128.any_true(
      v128.or(v128.or(i8x16.eq(a, backslash), i8x16.eq(b, backslash)), v128.or(i8x16.eq(c, backslash), i8x16.eq(d, backslash))),
    );
    if (anyBackslash || escapes != 0) {
      // A run of backslashes escapes what follows it when its length is odd; an addition carries through each run.
      const slashes = equal(a, b, c, d, 0x5c) & ~escapes;
      const follows = (slashes << 1) | escapes;
      const oddStarts = slashes & 0xaaaaaaaaaaaaaaaa & ~follows;
      const carried = oddStarts + slashes;
      escapes = carried < slashes ? 1 : 0;
      quotes &= ~((0x5555555555555555 ^ (carried << 1)) & follows);
    }

    let strings = inString;
    if (quotes != 0) {
      strings = prefixXor(quotes) ^ inString;
      inString = <u64>(<i64>strings >> 63);
    }

    // The third bit pattern 0x20 is the only difference between [ and {, and between ] and }.
    const fold = i8x16.splat(0x20);
    const fa = v128.or(a, fold);
    const fb = v128.or(b, fold);
    const fc = v128.or(c, fold);
    const fd = v128.or(d, fold);
    const closes = equal(fa, fb, fc, fd, 0x7d) & ~strings;
    const opens = equal(fa, fb, fc, fd, 0x7b) & ~strings;
    let end: u64 = 64;
    if (<u64>popcnt(closes) < depth) {
      depth += <u64>popcnt(opens) - <u64>popcnt(closes);
    } else {
      end = endWithin(opens, closes, depth);
      if (end == 64) depth += <u64>popcnt(opens) - <u64>popcnt(closes);
    }

    const low = i8x16.min_u(i8x16.min_u(a, b), i8x16.min_u(c, d));
    const slash = i8x16.splat(0x2f);
    const anySlash = v128.or(v128.or(i8x16.eq(a, slash), i8x16.eq(b, slash)), v128.or(i8x16.eq(c, slash), i8x16.eq(d, slash)));
    if (v128.any_true(v128.or(anySlash, i8x16.lt_u(low, i8x16.splat(0x0e))))) {
      const within: u64 = end == 64 ? 0xffffffffffffffff : ((<u64>1 << end) - 1);
      const comments = equal(a, b, c, d, 0x2f) & ~strings & within;
      if (comments != 0) return fail(COMMENT, at + <usize>ctz(comments));
      const breaks = (equal(a, b, c, d, 0x0a) | equal(a, b, c, d, 0x0d)) & within;
      if (breaks != 0 && !blank(at, breaks, strings)) return 0;
    }
    if (end != 64) return at + <usize>end < limit ? at + <usize>end + 1 : fail(CUT_SHORT, at + <usize>end);
  }
  return fail(CUT_SHORT, at);
}

/** The bit of the bracket that closes the container, or 64. */
function endWithin(opens: u64, closes: u64, depth: u64): u64 {
  while (closes != 0) {
    const bit = ctz(closes);
    depth -= 1;
    if (depth + <u64>popcnt(opens & (((<u64>1) << bit) - 1)) == 0) return bit;
    closes &= closes - 1;
  }
  return 64;
}

function blank(at: usize, breaks: u64, strings: u64): bool {
  const stray = mayBlank ? breaks & strings : breaks;
  if (stray != 0) {
    fail(UNEXPECTED, at + <usize>ctz(stray));
    return false;
  }
  while (breaks != 0) {
    const place = at + <usize>ctz(breaks);
    if (place < limit) store<u8>(place, 0x20);
    breaks &= breaks - 1;
  }
  return true;
}

/** Bit n: byte n of the block equals `byte`. */
@inline
function equal(a: v128, b: v128, c: v128, d: v128, byte: i8): u64 {
  const wanted = i8x16.splat(byte);
  const low = <u64>(<u32>(i8x16.bitmask(i8x16.eq(a, wanted)) | (i8x16.bitmask(i8x16.eq(b, wanted)) << 16)));
  const high = <u64>(<u32>(i8x16.bitmask(i8x16.eq(c, wanted)) | (i8x16.bitmask(i8x16.eq(d, wanted)) << 16)));
  return low | (high << 32);
}

/** Bit n: an odd number of bits 0..n is set. Between quotes these are the strings, with their opening and without their closing quotes. */
@inline
function prefixXor(bits: u64): u64 {
  bits ^= bits << 1;
  bits ^= bits << 2;
  bits ^= bits << 4;
  bits ^= bits << 8;
  bits ^= bits << 16;
  return bits ^ (bits << 32);
}
