import { IncompleteError } from "../../runner/errors.ts";

export interface SnapshotHeader {
  /** "REDIS0010", "VALKEY080". */
  readonly magic: string;
  readonly version: number;
  /** What the server wrote about itself at the instant of the snapshot: "redis-ver", "ctime", "repl-id", "repl-offset" … */
  readonly auxiliary: Readonly<Record<string, string>>;
}

const MAGIC_BYTES = 9;
const OPCODE_AUX = 0xfa;

/**
 * Reads the beginning of an RDB (a few KB of it are enough): its header, and the auxiliary fields as far as they go. Fields that are not
 * understood end the reading; they are information, nothing rests on them.
 * @throws IncompleteError when this is no RDB, or one from before checksums
 */
export function parseSnapshotHeader(start: Buffer): SnapshotHeader {
  const magic = start.toString("latin1", 0, MAGIC_BYTES);
  const version = /^(?:REDIS(\d{4})|VALKEY(\d{3}))$/.exec(magic);
  if (version === null)
    throw new IncompleteError("The server's snapshot does not begin as an RDB does (REDIS… or VALKEY…)", { reason: "NotAnRdb" });
  const number = Number(version[1] ?? version[2]);
  if (version[1] !== undefined && number < 5)
    throw new IncompleteError(
      `The server writes RDB version ${number}, which carries no checksum: version 5 (Redis 2.6) or later is needed`,
      {
        reason: "NotAnRdb",
      },
    );
  return { magic, version: number, auxiliary: Object.fromEntries(auxiliaryFields(start)) };
}

function* auxiliaryFields(start: Buffer): Generator<[string, string]> {
  let at = MAGIC_BYTES;
  while (start[at] === OPCODE_AUX) {
    const name = readString(start, at + 1);
    const value = name && readString(start, name.end);
    if (!value) return;
    yield [name.text, value.text];
    at = value.end;
  }
}

/** A short string, or a small number written as one; nothing else occurs in what servers write about themselves. */
function readString(bytes: Buffer, at: number): { text: string; end: number } | undefined {
  const first = bytes[at];
  if (first === undefined) return undefined;
  const length =
    first < 0x40 ? first : first < 0x80 && at + 1 < bytes.length ? ((first & 0x3f) << 8) | (bytes[at + 1] as number) : undefined;
  if (length !== undefined) {
    const from = at + (first < 0x40 ? 1 : 2);
    return from + length > bytes.length ? undefined : { text: bytes.toString("utf8", from, from + length), end: from + length };
  }
  const width = ({ 192: 1, 193: 2, 194: 4 } as Record<number, number>)[first];
  if (width === undefined || at + 1 + width > bytes.length) return undefined;
  return { text: String(bytes.readIntLE(at + 1, width)), end: at + 1 + width };
}
