import { EVENT } from "./rdb-events.ts";
import { foretellModuleName, foretellStringBytes, moduleName } from "./rdb-foretell.ts";
import { describeHeader, describeKey, HEADER_BYTES, OPCODE, parseHeader, type RdbHeader, rdbError, TYPE } from "./rdb-format.ts";
import { NEED, RdbInput } from "./rdb-input.ts";
import {
  type Reading,
  readByte,
  readInt32,
  readLength,
  readLength64,
  readMilliseconds,
  readString,
  skipBytes,
  skipStrings,
} from "./rdb-read.ts";
import { isKnownType, isOneString, skipModule, skipValue } from "./rdb-skip-value.ts";

/** Largest key. The server's own limit is that of any string; nobody means a key this long. */
const MAX_KEY_BYTES = 512 * 1024 * 1024;

/**
 * Walks through an RDB file that arrives in pieces cut anywhere: `fill`, then `next` until it needs input, and so on; `finish` when there is no
 * more. The fields describe the last event and change with the next call; value (and short keys) are offsets into `buffer`. It allocates nothing for
 * a usual record, reads no byte twice, and holds no more than `buffer`, which is the caller's and at least 64 KiB.
 */
export class RdbWalker {
  readonly buffer: Buffer;
  header: RdbHeader = { flavour: "redis", version: 0 };
  auxiliary: readonly [name: string, value: string] = ["", ""];
  database = 0;
  module = "";
  type = 0;
  /** Unix milliseconds; 0 for none. */
  expiresAtMs = 0;
  /** Seconds; -1 when the file does not say. */
  idleSeconds = -1;
  /** 0 to 255; -1 when the file does not say. */
  frequency = -1;
  /** The key as a copy, or undefined when it lies at `keyStart` in the buffer. */
  longKey: Buffer | undefined;
  keyStart = 0;
  keyEnd = 0;
  valueStart = 0;
  valueEnd = 0;
  /** Bytes of the value that came before this part. */
  partStart = 0;
  /** Length of the whole value where it is known before its end; -1 otherwise. */
  valueBytes = -1;
  readonly #input: RdbInput;
  readonly #walk: Generator<number, void, void>;
  #isInValue = false;
  #isInParts = false;
  #isBetweenRecords = false;
  #isFinished = false;

  constructor(buffer: Buffer) {
    this.buffer = buffer;
    this.#input = new RdbInput(buffer);
    this.#walk = this.#walkFile();
  }

  /** Offset in the file of the byte after the last one that was used. */
  get offset(): number {
    return this.#input.offset;
  }

  /** Takes bytes from `chunk`, from `at` on, and answers how many; to be called when `next` needs input. */
  fill(chunk: Uint8Array, at: number): number {
    const { taken, moved } = this.#input.fill(chunk, at);
    if (taken === 0 && at < chunk.length) throw new Error("The walker's window is full: a defect");
    if (moved > 0) {
      this.keyStart -= moved;
      this.keyEnd -= moved;
      this.valueStart -= moved;
      this.valueEnd -= moved;
    }
    return taken;
  }

  /** The next event. @throws IncompleteError for a file that is damaged or holds what this program does not know, naming the key */
  next(): number {
    if (this.#isBetweenRecords && this.#tryNextRecord()) return EVENT.record;
    const step = this.#walk.next();
    this.#isBetweenRecords = step.value === EVENT.record || step.value === EVENT.lastPart;
    if (step.done) {
      this.#isFinished = true;
      if (this.#input.available > 0) throw rdbError(`Bytes follow the end of the RDB file at byte ${this.#input.offset}`);
      return EVENT.needInput;
    }
    if (step.value === NEED && this.#isInValue && this.#isCrowded()) return this.#emitPart();
    return step.value;
  }

  /** @throws IncompleteError when the file is not at its end */
  finish(): void {
    if (!this.#isFinished && this.#walk.next().done !== true) {
      const where = this.#isInValue ? `inside the value of key ${describeKey(this.key())}` : "too early";
      throw rdbError(`The RDB file ends ${where}, at byte ${this.#input.offset + this.#input.available}`, "TruncatedRdb");
    }
  }

  /** A copy of the current key. */
  key(): Buffer {
    return this.longKey ?? Buffer.from(this.buffer.subarray(this.keyStart, this.keyEnd));
  }

  #isCrowded(): boolean {
    return this.#input.position - this.#input.keep >= this.buffer.length / 2;
  }

  #emitPart(): number {
    // The key must outlive the bytes that are given away now.
    this.longKey ??= this.key();
    this.#takePart();
    this.#isInParts = true;
    this.#input.keep = this.#input.position;
    return EVENT.part;
  }

  /** The bytes behind those that were given are the next part. */
  #takePart(): void {
    if (this.#isInParts) {
      this.partStart += this.valueEnd - this.valueStart;
      this.valueStart = this.valueEnd;
    }
    this.valueEnd = this.#input.position;
  }

  *#walkFile(): Generator<number, void, void> {
    const input = this.#input;
    while (input.available < HEADER_BYTES) yield NEED;
    this.header = parseHeader(input.buffer.subarray(input.position, input.position + HEADER_BYTES));
    input.position += HEADER_BYTES;
    yield EVENT.header;
    for (;;) {
      input.keep = input.position;
      let opcode = input.tryByte();
      if (opcode === NEED) opcode = yield* readByte(input);
      if (opcode < OPCODE.slotImport) {
        yield* this.#walkRecord(opcode);
        this.#clearAttributes();
      } else if (opcode === OPCODE.eof) break;
      else if (opcode >= OPCODE.idle && opcode !== OPCODE.aux && opcode <= OPCODE.expireTime) yield* this.#readAttribute(opcode);
      else yield* this.#walkOpcode(opcode);
    }
    if (this.header.flavour === "valkey" || this.header.version >= 5) yield* skipBytes(input, 8);
  }

  /**
   * The way of most records, beside the generator, whose every step leaves garbage: key and value are one string each, and all
   * is here, attributes too. Consumes nothing when it is not so.
   */
  #tryNextRecord(): boolean {
    const input = this.#input;
    const start = input.position;
    const type = this.#tryAttributes();
    if (isOneString(type) && this.#tryKey()) {
      this.valueStart = input.position;
      if (input.trySkipString()) {
        input.keep = start;
        this.type = type;
        this.valueEnd = input.position;
        this.partStart = 0;
        this.valueBytes = this.valueEnd - this.valueStart;
        return true;
      }
    }
    this.#clearAttributes();
    input.position = start;
    return false;
  }

  /** What stands in front of most records, in the order in which servers write it; answers the byte behind it, or NEED. */
  #tryAttributes(): number {
    const input = this.#input;
    this.#clearAttributes();
    let opcode = input.tryByte();
    if (opcode === OPCODE.expireTimeMs) {
      const expiresAtMs = input.tryMilliseconds();
      if (expiresAtMs < 0) return NEED;
      this.expiresAtMs = clampExpiry(expiresAtMs);
      opcode = input.tryByte();
    }
    if (opcode !== OPCODE.idle && opcode !== OPCODE.freq) return opcode;
    const value = opcode === OPCODE.idle ? input.tryLength() : input.tryByte();
    if (value < 0) return NEED;
    if (opcode === OPCODE.idle) this.idleSeconds = value;
    else this.frequency = value;
    return input.tryByte();
  }

  #clearAttributes(): void {
    this.expiresAtMs = 0;
    this.idleSeconds = -1;
    this.frequency = -1;
  }

  *#walkRecord(type: number): Generator<number, void, void> {
    const input = this.#input;
    this.type = type;
    yield* this.#readKey();
    if (!isKnownType(type, this.header.flavour === "valkey")) throw this.#unknownType();
    this.valueStart = input.position;
    this.partStart = 0;
    this.valueBytes = -1;
    this.#isInParts = false;
    this.#isInValue = true;
    yield* this.#walkValue();
    this.#isInValue = false;
    this.#takePart();
    yield this.#isInParts ? EVENT.lastPart : EVENT.record;
  }

  #unknownType(): Error {
    const what = `type ${this.type} of ${describeHeader(this.header)}`;
    return rdbError(`Cannot read key ${describeKey(this.key())}: this program does not know ${what}`, "UnknownRdbType");
  }

  *#walkValue(): Reading {
    const input = this.#input;
    if (this.type === TYPE.string) this.valueBytes = yield* foretellStringBytes(input);
    if (this.type === TYPE.module2) this.module = yield* foretellModuleName(input);
    try {
      yield* skipValue(input, this.type, this.header.flavour === "valkey");
    } catch (error) {
      throw rdbError(
        `Cannot read the value of key ${describeKey(this.key())}: ${error instanceof Error ? error.message : String(error)}`,
        "CorruptRdb",
      );
    }
  }

  /** Takes a plain key that is all here, where it lies. */
  #tryKey(): boolean {
    const input = this.#input;
    const start = input.position;
    const length = input.tryLength();
    if (length >= 0 && length <= input.available) {
      this.longKey = undefined;
      this.keyStart = input.position;
      input.position += length;
      this.keyEnd = input.position;
      return true;
    }
    input.position = start;
    return false;
  }

  *#readKey(): Reading {
    const input = this.#input;
    while (!this.#tryKey()) {
      const start = input.position;
      const length = input.tryLength();
      input.position = start;
      if (length < NEED || length > this.buffer.length / 4) {
        this.longKey = yield* readString(input);
        input.keep = input.position;
        if (this.longKey.length > MAX_KEY_BYTES) throw rdbError(`A key of ${this.longKey.length} bytes cannot be`);
        return;
      }
      yield NEED;
    }
  }

  *#readAttribute(opcode: number): Reading {
    const input = this.#input;
    if (opcode === OPCODE.expireTimeMs) this.expiresAtMs = clampExpiry(yield* readMilliseconds(input));
    else if (opcode === OPCODE.expireTime) this.expiresAtMs = clampExpiry((yield* readInt32(input)) * 1000);
    else if (opcode === OPCODE.idle) this.idleSeconds = yield* readLength(input);
    else if (opcode === OPCODE.freq) this.frequency = yield* readByte(input);
    else {
      yield* readLength(input);
      yield* readLength(input);
    }
  }

  *#walkOpcode(opcode: number): Generator<number, void, void> {
    const input = this.#input;
    switch (opcode) {
      case OPCODE.aux:
        this.auxiliary = [(yield* readString(input)).toString(), (yield* readString(input)).toString()];
        return yield EVENT.auxiliary;
      case OPCODE.selectDb:
        this.database = yield* readLength(input);
        return yield EVENT.database;
      case OPCODE.slotInfo:
        for (let field = 0; field < 3; field += 1) yield* readLength(input);
        return;
      case OPCODE.function2:
        return yield* this.#walkLibrary();
      case OPCODE.moduleAux:
        this.module = moduleName(yield* readLength64(input));
        yield* readLength(input);
        yield* readLength(input);
        for (const skipping = skipModule(input); skipping.next().done !== true; ) {
          // However long it is: nothing of it is needed again.
          input.keep = input.position;
          yield NEED;
        }
        return yield EVENT.moduleAuxiliary;
      case OPCODE.functionPreGa:
        throw rdbError("The RDB file holds functions in the form of a 7.0 release candidate, which no server reads", "UnknownRdbOpcode");
      default:
        throw rdbError(
          `Cannot read opcode ${opcode} at byte ${input.offset - 1} of the RDB file: this program does not know it`,
          "UnknownRdbOpcode",
        );
    }
  }

  /** A library is code that a person wrote: it fits, or it is damaged. */
  *#walkLibrary(): Generator<number, void, void> {
    const input = this.#input;
    this.valueStart = input.position;
    for (const skipping = skipStrings(input, 1); skipping.next().done !== true; ) {
      if (this.#isCrowded())
        throw rdbError(`A function library of more than ${this.buffer.length / 2} bytes is not supported`, "LibraryTooLarge");
      yield NEED;
    }
    this.valueEnd = input.position;
    yield EVENT.library;
  }
}

/** RESTORE takes no negative time, and 0 means none: anything before the epoch is simply long over. */
function clampExpiry(milliseconds: number): number {
  return Math.max(1, milliseconds);
}
