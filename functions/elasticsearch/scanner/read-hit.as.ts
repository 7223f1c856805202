// Finds in one hit what a backup needs of it: keys at depth 1, in whatever order.
import { CUT_SHORT, COMMENT, fail, lastEscape, limit, mayBlank, skipContainer, skipString, skipValue, UNEXPECTED } from "./skip.as";
import { hashText } from "./text-hash.as";
import { xxh64 } from "./xxh64.as";

/** Addresses of what the last hit held; 0 for what it did not. Strings without their quotes, the source with the blanks around it. */
export let idAt: usize = 0;
export let idEnd: usize = 0;
let idHasEscapes: bool = false;
export let routingAt: usize = 0;
export let routingEnd: usize = 0;
let routingHasEscapes: bool = false;
export let sourceAt: usize = 0;
export let sourceEnd: usize = 0;
export let sortAt: usize = 0;
export let sortEnd: usize = 0;

/** Forgets how hits begin. */
export function beginHits(): void {
  headLength = 0;
  middleLength = 0;
}

/** `hit`: its opening brace. Answers the address behind the closing one, or 0. Only lines may hold blanks between tokens. */
export function readHit(hit: usize): usize {
  idAt = 0;
  routingAt = 0;
  sourceAt = 0;
  sortAt = 0;
  if (load<u8>(hit) != 0x7b) return fail(UNEXPECTED, hit);
  let at = readKnownStart(hit);
  if (at == hit) at = readNextField(hit, hit);
  while (at) {
    at = skipBlanks(at);
    const next = load<u8>(at);
    if (next == 0x7d) return at < limit ? at + 1 : fail(CUT_SHORT, at);
    if (next != 0x2c) return fail(UNEXPECTED, at);
    at = readNextField(hit, at);
  }
  return 0;
}

/** The hash of the document that was read last; what it covers is said in DIGEST.md. */
export function documentHash(): u64 {
  let hash: u64 = idAt ? hashText(idAt, idEnd, idHasEscapes, 0) : 0;
  if (routingAt) hash = hashText(routingAt, routingEnd, routingHasEscapes, hash);
  return xxh64(sourceAt, sourceEnd - sourceAt, hash);
}

/** The first sort value, when it is a whole number of up to 18 digits; otherwise `isWhole` is false afterwards. */
export function firstSortValue(): i64 {
  let at = sortAt + 1;
  const isNegative = load<u8>(at) == 0x2d;
  if (isNegative) at += 1;
  const digits = at;
  let value: i64 = 0;
  for (let digit = load<u8>(at) - 0x30; <u8>digit < 10; digit = load<u8>(at) - 0x30) {
    value = value * 10 + <i64>(<u8>digit);
    at += 1;
    if (at - digits > 18) break;
  }
  const next = load<u8>(at);
  isWhole = sortAt != 0 && at > digits && at - digits <= 18 && (next == 0x2c || next == 0x5d);
  return isNegative ? -value : value;
}
export let isWhole: bool = false;

/** `at`: the brace or comma before its key. */
function readNextField(hit: usize, at: usize): usize {
  if (load<u64>(at) == 0x3a2274726f73222c) return readSort(at + 8); // ,"sort":
  at = skipBlanks(at + 1);
  if (load<u8>(at) != 0x22) return fail(UNEXPECTED, at);
  const key = at + 1;
  at = skipString(key);
  if (!at) return 0;
  const keyLength = at - 1 - key;
  // An escaped key could be one of ours in disguise; nobody writes such.
  if (lastEscape >= key) return fail(UNEXPECTED, key);
  at = skipBlanks(at);
  if (load<u8>(at) != 0x3a) return fail(UNEXPECTED, at);
  return readField(hit, key, keyLength, at + 1);
}

function readField(hit: usize, key: usize, length: usize, at: usize): usize {
  const word = load<u64>(key);
  if (length == 7 && (word & 0x00ffffffffffffff) == 0x00656372756f735f) {
    if (idAt && !routingAt && !sourceAt && !sortAt) learnMiddle(at);
    return readSource(at);
  }
  at = skipBlanks(at);
  if (length == 3 && (word & 0xffffff) == 0x64695f) {
    if (idAt || load<u8>(at) != 0x22) return fail(UNEXPECTED, at);
    if (!routingAt && !sourceAt && !sortAt) learnHead(hit, at + 1);
    return readId(at + 1);
  }
  if (length == 8 && word == 0x676e6974756f725f) {
    if (routingAt || load<u8>(at) != 0x22) return fail(UNEXPECTED, at);
    routingAt = at + 1;
    const end = skipString(routingAt);
    routingEnd = end - 1;
    routingHasEscapes = lastEscape >= routingAt;
    return end;
  }
  if (length == 4 && <u32>word == 0x74726f73) return readSort(at);
  return skipValue(at);
}

function readId(at: usize): usize {
  idAt = at;
  const end = skipString(at);
  idEnd = end - 1;
  idHasEscapes = lastEscape >= at;
  return end;
}

function readSort(at: usize): usize {
  if (sortAt || load<u8>(at) != 0x5b) return fail(UNEXPECTED, at);
  sortAt = at;
  let digit = at + 1;
  while (<u8>(load<u8>(digit) - 0x30) < 10) digit += 1;
  // One whole number, as in nearly every hit, needs no blocks.
  sortEnd = load<u8>(digit) == 0x5d && digit < limit ? digit + 1 : skipContainer(at);
  return sortEnd;
}

function readSource(at: usize): usize {
  if (sourceAt) return fail(UNEXPECTED, at);
  sourceAt = at;
  at = skipBlanksAroundSource(at);
  if (!at) return 0;
  if (load<u8>(at) != 0x7b) return fail(UNEXPECTED, at);
  at = skipContainer(at);
  if (!at) return 0;
  at = skipBlanksAroundSource(at);
  sourceEnd = at;
  return at;
}

/** A source is stored as it was sent: blanks before and behind it, newlines and comments among them, are its own. */
function skipBlanksAroundSource(at: usize): usize {
  for (; at < limit; at++) {
    const byte = load<u8>(at);
    if (byte == 0x2f) return fail(COMMENT, at);
    if (byte == 0x0a || byte == 0x0d) {
      if (!mayBlank) return fail(UNEXPECTED, at);
      store<u8>(at, 0x20);
    } else if (byte != 0x20 && byte != 0x09) {
      return at;
    }
  }
  return fail(CUT_SHORT, at);
}

@inline
function skipBlanks(at: usize): usize {
  if (mayBlank) return at;
  while (load<u8>(at) == 0x20 || load<u8>(at) == 0x09) at++;
  return at;
}

// Hits of one index begin with the same bytes up to the id, and have the same between id and source: what was understood once is compared.
const KNOWN_HEAD: usize = 64;
const KNOWN_MIDDLE: usize = 192;
const LONGEST_KNOWN: usize = 112;
let headLength: usize = 0;
let middleLength: usize = 0;

/** Answers `hit` when it begins otherwise, 0 after a fault, or the address behind the id or the source. */
function readKnownStart(hit: usize): usize {
  if (!headLength || !equals(hit, KNOWN_HEAD, headLength)) return hit;
  const at = readId(hit + headLength);
  return at && middleLength && equals(at, KNOWN_MIDDLE, middleLength) ? readSource(at + middleLength) : at;
}

function learnHead(hit: usize, id: usize): void {
  const length = id - hit;
  headLength = length > LONGEST_KNOWN ? 0 : length;
  memory.copy(KNOWN_HEAD, hit, headLength);
}

function learnMiddle(source: usize): void {
  const length = source - idEnd - 1;
  middleLength = length > LONGEST_KNOWN ? 0 : length;
  memory.copy(KNOWN_MIDDLE, idEnd + 1, middleLength);
}

@inline
function equals(at: usize, known: usize, length: usize): bool {
  for (; length > 16; length -= 16) {
    if (v128.any_true(v128.xor(v128.load(at), v128.load(known)))) return false;
    at += 16;
    known += 16;
  }
  const same = i8x16.bitmask(i8x16.eq(v128.load(at), v128.load(known)));
  const wanted = (1 << <i32>length) - 1;
  return (same & wanted) == wanted;
}
