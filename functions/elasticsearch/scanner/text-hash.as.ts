// Hashes JSON strings by what they say: servers do not agree on which characters they escape.
import { xxh64 } from "./xxh64.as";

/** Decoded text lies here; what a server accepts as id or routing is at most 32,766 bytes. */
const DECODED_AT: usize = 1024;
const DECODED_END: usize = 65_536;

/** Of the text between `at` and `end`, in UTF-8 and without escapes. */
export function hashText(at: usize, end: usize, hasEscapes: bool, seed: u64): u64 {
  return hasEscapes ? xxh64(DECODED_AT, decode(at, end) - DECODED_AT, seed) : xxh64(at, end - at, seed);
}

/** Answers the address behind the decoded text. */
function decode(at: usize, end: usize): usize {
  let to = DECODED_AT;
  while (at < end) {
    if (to > DECODED_END - 4) unreachable();
    const byte = load<u8>(at);
    if (byte != 0x5c) {
      store<u8>(to++, byte);
      at += 1;
      continue;
    }
    const kind = load<u8>(at + 1);
    if (kind != 0x75) {
      store<u8>(to++, meaningOf(kind));
      at += 2;
      continue;
    }
    let point = hexAt(at + 2);
    at += 6;
    if ((point & 0xfc00) == 0xd800 && load<u16>(at) == 0x755c && (hexAt(at + 2) & 0xfc00) == 0xdc00) {
      point = 0x10000 + ((point & 0x3ff) << 10) + (hexAt(at + 2) & 0x3ff);
      at += 6;
    }
    to = encode(to, point);
  }
  return to;
}

/** What stands for itself behind a backslash does: quote, backslash, slash. */
function meaningOf(kind: u8): u8 {
  if (kind == 0x62) return 0x08; // b
  if (kind == 0x66) return 0x0c; // f
  if (kind == 0x6e) return 0x0a; // n
  if (kind == 0x72) return 0x0d; // r
  if (kind == 0x74) return 0x09; // t
  return kind;
}

function hexAt(at: usize): u32 {
  let value: u32 = 0;
  for (let end = at + 4; at < end; at++) {
    const byte = <u32>load<u8>(at);
    value = (value << 4) | (byte <= 0x39 ? byte & 0xf : (byte & 0xf) + 9);
  }
  return value;
}

/** UTF-8; half of a surrogate pair as three bytes like any other character of its range. */
function encode(to: usize, point: u32): usize {
  if (point < 0x80) {
    store<u8>(to, point);
    return to + 1;
  }
  if (point < 0x800) {
    store<u8>(to, 0xc0 | (point >> 6));
    store<u8>(to + 1, 0x80 | (point & 0x3f));
    return to + 2;
  }
  if (point < 0x10000) {
    store<u8>(to, 0xe0 | (point >> 12));
    store<u8>(to + 1, 0x80 | ((point >> 6) & 0x3f));
    store<u8>(to + 2, 0x80 | (point & 0x3f));
    return to + 3;
  }
  store<u8>(to, 0xf0 | (point >> 18));
  store<u8>(to + 1, 0x80 | ((point >> 12) & 0x3f));
  store<u8>(to + 2, 0x80 | ((point >> 6) & 0x3f));
  store<u8>(to + 3, 0x80 | (point & 0x3f));
  return to + 4;
}
