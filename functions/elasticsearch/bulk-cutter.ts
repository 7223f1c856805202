import { BodyMemory, type BulkBody, createBulkBody } from "./bulk-body.ts";

export type { BulkBody } from "./bulk-body.ts";

export interface BulkCutterOptions {
  /** No body is longer, unless one document is. */
  readonly targetBytes: number;
  readonly action: "index" | "create";
  /** The target makes its own ids. */
  readonly omitIds?: boolean | undefined;
  readonly omitRouting?: boolean | undefined;
}

/** Cuts hit lines, ours or elasticdump's, into bodies of bulk requests, without parsing a document. */
export class BulkCutter {
  /** May be changed at any time; counts from the next document on. */
  targetBytes: number;
  readonly #options: { readonly action: "index" | "create"; readonly omitIds: boolean; readonly omitRouting: boolean };
  readonly #idle: BodyMemory[] = [];
  #documents = 0;
  #digest = 0n;

  constructor(options: BulkCutterOptions) {
    this.targetBytes = options.targetBytes;
    this.#options = { action: options.action, omitIds: options.omitIds ?? false, omitRouting: options.omitRouting ?? false };
  }

  /** Documents in the bodies handed out so far. */
  get documents(): number {
    return this.#documents;
  }

  /** The sum of their hashes, unsigned, 64 bits (DIGEST.md); ids and routing count even where they are omitted. */
  get digest(): bigint {
    return this.#digest;
  }

  /**
   * Bodies of one stream of lines, whose pieces may end anywhere and are read only until the next one is asked for. Each body has a memory of
   * its own until it is released: as many as the caller holds at a time, and one more. A last line without a newline counts.
   * @throws MalformedLineError
   */
  async *cut(lines: AsyncIterable<Uint8Array>): AsyncGenerator<BulkBody, void, undefined> {
    const progress = { linesBefore: 0, memory: this.#take() };
    for await (const chunk of lines) {
      for (let at = 0; at < chunk.length; at += PIECE_BYTES) {
        yield* this.#add(chunk.subarray(at, at + PIECE_BYTES), progress);
      }
    }
    if (progress.memory.rest.length > 0) yield* this.#add(NEWLINE, progress);
    if (progress.memory.count > 0) yield this.#handOut(progress.memory);
    else this.#idle.push(progress.memory);
  }

  *#add(piece: Uint8Array, progress: { linesBefore: number; memory: BodyMemory }): Generator<BulkBody, void, undefined> {
    progress.memory.append(piece);
    while (!progress.memory.cut({ ...this.#options, targetBytes: this.targetBytes }, progress.linesBefore)) {
      const full = progress.memory;
      progress.memory = this.#take();
      progress.memory.append(full.rest);
      progress.linesBefore += full.lines;
      yield this.#handOut(full);
    }
  }

  #take(): BodyMemory {
    const memory = this.#idle.pop() ?? new BodyMemory();
    memory.begin();
    return memory;
  }

  #handOut(memory: BodyMemory): BulkBody {
    this.#documents += memory.count;
    this.#digest = BigInt.asUintN(64, this.#digest + memory.digest);
    return createBulkBody(memory, () => {
      // One huge document must not hold its memory for the rest of a run: WebAssembly never gives any back.
      if (memory.capacity <= 2 * this.targetBytes + KEPT_BYTES) this.#idle.push(memory);
    });
  }
}

/** Small enough to stay in the processor's cache from being copied to being cut. */
const PIECE_BYTES = 128 * 1024;
const KEPT_BYTES = 4 * 1024 * 1024;
const NEWLINE = Buffer.from("\n");
