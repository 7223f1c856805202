/** Puts blanks over comments and byte order marks outside of strings, in place: lengths and newlines stay. `bytes` begin outside of a string. */
export function blankComments(bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) {
    if (bytes[at] === QUOTE) at = behindString(bytes, at);
    else if (bytes[at] === SLASH && bytes[at + 1] === SLASH) at = fillWithBlanks(bytes, at, endOfLine(bytes, at));
    else if (bytes[at] === SLASH && bytes[at + 1] === STAR) at = fillWithBlanks(bytes, at, behindBlock(bytes, at));
    else if (isByteOrderMark(bytes, at)) at = fillWithBlanks(bytes, at, at + 3);
    else at += 1;
  }
}

/** Servers take one before a source, and give it back in the middle of their answers. */
export function isByteOrderMark(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === 0xef && bytes[at + 1] === 0xbb && bytes[at + 2] === 0xbf;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SLASH = 0x2f;
const STAR = 0x2a;
const NEWLINE = 0x0a;
const RETURN = 0x0d;
const BLANK = 0x20;

function behindString(bytes: Uint8Array, opening: number): number {
  let at = opening + 1;
  while (at < bytes.length && bytes[at] !== QUOTE) at += bytes[at] === BACKSLASH ? 2 : 1;
  return at + 1;
}

function endOfLine(bytes: Uint8Array, start: number): number {
  let at = start;
  while (at < bytes.length && bytes[at] !== NEWLINE && bytes[at] !== RETURN) at += 1;
  return at;
}

function behindBlock(bytes: Uint8Array, start: number): number {
  let at = start + 2;
  while (at < bytes.length && !(bytes[at] === STAR && bytes[at + 1] === SLASH)) at += 1;
  return Math.min(at + 2, bytes.length);
}

function fillWithBlanks(bytes: Uint8Array, from: number, to: number): number {
  bytes.fill(BLANK, from, to);
  return to;
}
