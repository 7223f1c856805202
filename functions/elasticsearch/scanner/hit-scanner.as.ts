// The module's exports. scan: a page of hits, in place, into lines. cut: lines, in place, into the body of a bulk request.
import {
  beginHits, documentHash, firstSortValue, idAt, idEnd, isWhole, readHit, routingAt, routingEnd, sortAt, sortEnd, sourceAt, sourceEnd,
} from "./read-hit.as";
import { fail, limit, prepare, skipString, skipValue, UNEXPECTED } from "./skip.as";
import { xxh64 } from "./xxh64.as";

export { fault, faultAt } from "./skip.as";
export { idAt, idEnd } from "./read-hit.as";

/** Where the next hit or line begins; everything before it is done with. */
export let cursor: usize = 0;
/** Documents kept or cut so far, and the sum of their hashes. */
export let count: u32 = 0;
export let digest: u64 = 0;

/** The separator behind the last hit kept: it has become a newline. */
export let linesEnd: usize = 0;
/** The last kept hit's sort values. */
export let lastSortAt: usize = 0;
export let lastSortEnd: usize = 0;
export let withoutSource: u32 = 0;
export let isCut: bool = false;
/** The bracket that ends the array of hits, once met. */
export let tailAt: usize = 0;

/** Finds `"hits":{…"hits":[` in an answer that begins at `at`, and answers the address behind the bracket; 0 when there is none. */
export function findHits(at: usize, end: usize): usize {
  prepare(end, true);
  beginHits();
  count = 0;
  digest = 0;
  linesEnd = 0;
  lastSortAt = 0;
  lastSortEnd = 0;
  withoutSource = 0;
  isCut = false;
  tailAt = 0;
  const outer = findKeyOfHits(at, 0x7b);
  cursor = outer ? findKeyOfHits(outer, 0x5b) : 0;
  if (cursor) cursor += 1;
  return cursor;
}

/** Goes on at `cursor` and answers whether the end of the array was met. After a fault, `cursor` is the hit that has it. */
export function scan(end: usize, hasEndSort: bool, endSort: i64): bool {
  prepare(end, true);
  if (load<u8>(cursor) == 0x5d) return endArray(cursor);
  while (true) {
    const hitEnd = readHit(cursor);
    if (!hitEnd) return false;
    if (!isCut && hasEndSort) {
      const sort = firstSortValue();
      if (!isWhole) return fail(UNEXPECTED, cursor) != 0;
      isCut = sort >= endSort;
    }
    const separator = load<u8>(hitEnd);
    if (separator != 0x2c && separator != 0x5d) return fail(UNEXPECTED, hitEnd) != 0;
    if (!isCut) keep(hitEnd);
    if (separator == 0x5d) return endArray(hitEnd);
    store<u8>(hitEnd, 0x0a);
    cursor = hitEnd + 1;
  }
}

function keep(hitEnd: usize): void {
  count += 1;
  linesEnd = hitEnd;
  lastSortAt = sortAt;
  lastSortEnd = sortEnd;
  if (sourceAt) digest += documentHash();
  else withoutSource += 1;
}

function endArray(at: usize): bool {
  tailAt = at;
  cursor = at;
  return true;
}

/** The value of the key "hits", which must begin with `opening`, in the object at `at`. */
function findKeyOfHits(at: usize, opening: u8): usize {
  if (load<u8>(at) != 0x7b) return fail(UNEXPECTED, at);
  while (true) {
    if (load<u8>(at + 1) != 0x22) return fail(UNEXPECTED, at + 1);
    const key = at + 2;
    at = skipString(key);
    if (!at) return 0;
    const isHits = at == key + 5 && load<u32>(key) == 0x73746968;
    if (load<u8>(at) != 0x3a) return fail(UNEXPECTED, at);
    at += 1;
    if (isHits) return load<u8>(at) == opening ? at : fail(UNEXPECTED, at);
    at = skipValue(at);
    if (!at) return 0;
    if (load<u8>(at) != 0x2c) return fail(UNEXPECTED, at);
  }
}

/** What `cut` met at last. */
export const ALL_CUT: i32 = 0;
/** The next line does not fit below `ceiling`. */
export const FULL: i32 = 1;
/** The body has come too close to the lines that are still to be cut: they must be moved on. */
export const CRAMPED: i32 = 2;
export const BAD_LINE: i32 = 3;
export const NO_SOURCE: i32 = 4;

/** Where the body ends. */
export let bodyEnd: usize = 0;
/** Lines met since `beginBody`, blank ones too. */
export let lines: u32 = 0;

const WITHOUT_IDS: u32 = 1;
const WITHOUT_ROUTING: u32 = 2;
const CREATE: u32 = 4;

export function beginBody(at: usize): void {
  beginHits();
  bodyEnd = at;
  count = 0;
  digest = 0;
  lines = 0;
}

/** Cuts the lines from `at` to `end`, behind the last one's newline, and writes the body on at `bodyEnd`, which lies before them. */
export function cut(at: usize, end: usize, ceiling: usize, options: u32): i32 {
  prepare(end, false);
  cursor = at;
  while (cursor < end) {
    let start = cursor;
    while (isBlank(load<u8>(start))) start += 1;
    if (load<u8>(start) == 0x0a) {
      lines += 1;
      cursor = start + 1;
      continue;
    }
    let lineEnd = readHit(start);
    if (!lineEnd) return BAD_LINE;
    while (isBlank(load<u8>(lineEnd))) lineEnd += 1;
    if (load<u8>(lineEnd) != 0x0a) {
      fail(UNEXPECTED, lineEnd);
      return BAD_LINE;
    }
    if (!sourceAt) return NO_SOURCE;
    const action = actionLength(options);
    const source = sourceEnd - sourceAt;
    if (count != 0 && bodyEnd + action + source + 1 > ceiling) return FULL;
    if (bodyEnd + action + 8 > start) return CRAMPED; // what is written in words of eight bytes may touch some behind it
    digest += documentHash();
    writeAction(options);
    memory.copy(bodyEnd, sourceAt, source);
    store<u8>(bodyEnd + source, 0x0a);
    bodyEnd += source + 1;
    count += 1;
    lines += 1;
    cursor = lineEnd + 1;
  }
  return ALL_CUT;
}

function isBlank(byte: u8): bool {
  return byte == 0x20 || byte == 0x09 || byte == 0x0d;
}

/** {"index":{"_id":"…","routing":"…"}} and a newline. */
function actionLength(options: u32): usize {
  let length: usize = options & CREATE ? 14 : 13;
  const hasId = idAt && !(options & WITHOUT_IDS);
  const hasRouting = routingAt && !(options & WITHOUT_ROUTING);
  if (hasId) length += 8 + idEnd - idAt;
  if (hasRouting) length += 12 + routingEnd - routingAt;
  return hasId && hasRouting ? length + 1 : length;
}

function writeAction(options: u32): void {
  const hasId = idAt && !(options & WITHOUT_IDS);
  const hasRouting = routingAt && !(options & WITHOUT_ROUTING);
  let at = bodyEnd;
  if (options & CREATE) {
    store<u64>(at, 0x6574616572_63227b); // {"create
    store<u32>(at + 8, 0x7b3a22); // ":{
    at += 11;
  } else {
    store<u64>(at, 0x227865646e69_227b); // {"index"
    store<u16>(at + 8, 0x7b3a); // :{
    at += 10;
  }
  if (hasId) {
    store<u64>(at, 0x223a22_64695f22); // "_id":"
    at = append(at + 7, idAt, idEnd);
  }
  if (hasRouting) {
    if (hasId) store<u8>(at++, 0x2c);
    store<u64>(at, 0x676e6974756f7222); // "routing
    store<u32>(at + 8, 0x223a22); // ":"
    at = append(at + 11, routingAt, routingEnd);
  }
  store<u32>(at, 0x0a7d7d); // }} and a newline
  bodyEnd = at + 3;
}

/** The text and a closing quote. */
function append(to: usize, from: usize, end: usize): usize {
  memory.copy(to, from, end - from);
  store<u8>(to + (end - from), 0x22);
  return to + (end - from) + 1;
}

/** For the test vectors. */
export function hash(at: usize, length: usize, seed: u64): u64 {
  return xxh64(at, length, seed);
}
