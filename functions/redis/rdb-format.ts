// RDB: the file a server saves. record: one key with its value. opcode: a byte that starts anything but a record.
// value: the bytes behind the key, as DUMP would give them without its first and its last ten bytes.
import { IncompleteError } from "../../runner/errors.ts";

export const OPCODE = {
  slotImport: 243,
  slotInfo: 244,
  function2: 245,
  functionPreGa: 246,
  moduleAux: 247,
  idle: 248,
  freq: 249,
  aux: 250,
  resizeDb: 251,
  expireTimeMs: 252,
  expireTime: 253,
  selectDb: 254,
  eof: 255,
} as const;

export const TYPE = {
  string: 0,
  list: 1,
  set: 2,
  sortedSet: 3,
  hash: 4,
  sortedSet2: 5,
  modulePreGa: 6,
  module2: 7,
  hashZipmap: 9,
  listZiplist: 10,
  setIntset: 11,
  sortedSetZiplist: 12,
  hashZiplist: 13,
  listQuicklist: 14,
  stream: 15,
  hashListpack: 16,
  sortedSetListpack: 17,
  listQuicklist2: 18,
  stream2: 19,
  setListpack: 20,
  stream3: 21,
  /** In VALKEY files this number is a hash with field expiry of another shape. */
  hashMetadataPreGa: 22,
  hashListpackExPreGa: 23,
  hashMetadata: 24,
  hashListpackEx: 25,
} as const;

export interface RdbHeader {
  readonly flavour: "redis" | "valkey";
  readonly version: number;
}

export const HEADER_BYTES = 9;

/** Highest version of each flavour whose records we can tell apart. */
const NEWEST = { redis: 12, valkey: 80 } as const;

/** "REDIS0012" or "VALKEY080". */
export function describeHeader({ flavour, version }: RdbHeader): string {
  return flavour === "redis" ? `REDIS${String(version).padStart(4, "0")}` : `VALKEY${String(version).padStart(3, "0")}`;
}

/** @throws IncompleteError for what is not an RDB file, and for versions newer than we know, by name */
export function parseHeader(bytes: Uint8Array): RdbHeader {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, HEADER_BYTES).toString("latin1");
  const redis = /^REDIS(\d{4})$/.exec(text)?.[1];
  const valkey = /^VALKEY(\d{3})$/.exec(text)?.[1];
  const digits = redis ?? valkey;
  if (digits === undefined) throw rdbError(`The snapshot is not an RDB file: it starts with ${JSON.stringify(text)}`, "NotAnRdbFile");
  const header: RdbHeader = { flavour: redis === undefined ? "valkey" : "redis", version: Number(digits) };
  const oldest = header.flavour === "valkey" ? NEWEST.valkey : 1;
  if (header.version < oldest || header.version > NEWEST[header.flavour])
    throw rdbError(
      `Cannot restore an RDB file of version ${text}: this program knows up to REDIS0012 and VALKEY080`,
      "UnsupportedRdbVersion",
    );
  return header;
}

/** A file that is not what it should be. */
export function rdbError(message: string, reason = "CorruptRdb"): IncompleteError {
  return new IncompleteError(message, { reason });
}

/** A key for people: printable, other bytes as \xNN, at most 200 characters. */
export function describeKey(key: Uint8Array): string {
  let text = "";
  for (const byte of key.subarray(0, 200)) {
    if (byte === 0x5c || byte === 0x22) text += `\\${String.fromCharCode(byte)}`;
    else text += byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, "0")}`;
  }
  return text.length > 200 || key.length > 200 ? `"${text.slice(0, 197)}…"` : `"${text}"`;
}
