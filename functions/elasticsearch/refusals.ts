import { type FileHandle, open } from "node:fs/promises";
import { DatabaseRefusedError, ParameterError } from "../../runner/errors.ts";

export interface RefusedDocument {
  readonly index: string;
  /** Undefined where the server makes ids. */
  readonly id: string | undefined;
  readonly status: number;
  /** "document_parsing_exception". */
  readonly type: string;
  /** As the server gives it: may quote the document. */
  readonly reason: string;
  /** Of the innermost cause, likewise. */
  readonly cause?: string | undefined;
  /** The document's lines of the bulk request: the action, and the source. JSON, each ended by a newline. */
  readonly lines: Uint8Array;
}

/** What an error's facts may say of one: nothing of its content. */
export interface NamedRefusal {
  readonly index: string;
  readonly id: string | undefined;
  readonly status: number;
  readonly type: string;
  readonly reason: string;
}

const NAMED_REFUSALS = 20;
const LONGEST_REASON = 300;

/**
 * Documents that the target refused: all are counted, the first are named, and with a path every one is written into that file, one JSON line
 * each, whole. Reads no document for facts or logs.
 */
export class Refusals implements AsyncDisposable {
  readonly first: NamedRefusal[] = [];
  readonly #path: string | undefined;
  readonly #file: FileHandle | undefined;
  readonly #countByType = new Map<string, number>();
  #count = 0;
  #written: Promise<void> = Promise.resolve();

  private constructor(path: string | undefined, file: FileHandle | undefined) {
    this.#path = path;
    this.#file = file;
  }

  /** With a path, creates the file, which only its owner may read. @throws ParameterError when it exists or cannot be created */
  static async open(path?: string): Promise<Refusals> {
    if (path === undefined) return new Refusals(undefined, undefined);
    try {
      return new Refusals(path, await open(path, "wx", 0o600));
    } catch (cause) {
      const exists = Reflect.get(cause as object, "code") === "EEXIST";
      throw new ParameterError(`Cannot write refused documents into "${path}"${exists ? ": it exists" : ""}`, {
        cause,
        hint: exists ? "Name a file that does not exist yet, so that nothing is written over" : "Name a file in a folder that exists",
      });
    }
  }

  get count(): number {
    return this.#count;
  }

  get isKept(): boolean {
    return this.#file !== undefined;
  }

  /** Resolves when the document's line is written; the bytes are the caller's again. */
  async add(document: RefusedDocument): Promise<void> {
    this.#count += 1;
    this.#countByType.set(document.type, (this.#countByType.get(document.type) ?? 0) + 1);
    if (this.first.length < NAMED_REFUSALS) this.first.push(nameOf(document));
    const file = this.#file;
    if (file === undefined) return;
    const line = deadLetter(document);
    const write = this.#written.then(() => writeWhole(file, line));
    // A write that failed fails everybody after it as well: the file is not whole any more.
    this.#written = write;
    try {
      await write;
    } catch (cause) {
      throw new DatabaseRefusedError(`Cannot write a refused document into "${this.#path}"`, { reason: "DeadLettersNotWritten", cause });
    }
  }

  /** For an error's facts: no byte of a document. */
  facts(): Readonly<Record<string, unknown>> {
    return {
      refused: this.#count,
      ...(this.#count === 0 ? {} : { refusedByType: Object.fromEntries(this.#countByType), firstRefused: this.first }),
      ...(this.#path === undefined ? {} : { deadLetters: this.#path }),
    };
  }

  /** @throws DatabaseRefusedError when there was any: to be called at the end of a restore */
  assertNone(description: string): void {
    const [first] = this.first;
    if (first === undefined) return;
    const { index, id, type, reason } = first;
    const which = `${id === undefined ? "one" : `"${id}"`} of index "${index}"`;
    const documents = this.#count === 1 ? `document ${which}` : `${this.#count} documents, the first ${which}`;
    throw new DatabaseRefusedError(`${description} refused ${documents}: ${type}: ${reason}; everything else was written`, {
      reason: "DocumentsRefused",
      facts: this.facts(),
      hint:
        this.#path === undefined
          ? "--dead-letters FILE keeps what is refused, with the reasons; those may quote documents"
          : `The refused documents lie in "${this.#path}"`,
    });
  }

  /** Resolves when everything lies on the disk. @throws when that is not certain */
  async close(): Promise<void> {
    if (this.#file === undefined) return;
    await this.#written;
    await this.#file.sync();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file?.close();
  }
}

function nameOf({ index, id, status, type, reason }: RefusedDocument): NamedRefusal {
  return { index, id, status, type, reason: withoutContent(reason) };
}

/** Where servers begin to quote what they did not understand: facts and logs are for other eyes than documents. */
const QUOTATION = /(?<=^|[\s:([])['"]|Preview of|failed to parse date field \[|Provided object|\bvalues? ?[([:]/i;

function withoutContent(reason: string): string {
  const at = reason.search(QUOTATION);
  const kept = at === -1 ? reason : `${reason.slice(0, at)}…`;
  return kept.length > LONGEST_REASON ? `${kept.slice(0, LONGEST_REASON)}…` : kept;
}

/** Action and source as they are, for numbers must stay as they were written. */
function deadLetter({ index, status, type, reason, cause, lines }: RefusedDocument): Buffer {
  const border = lines.indexOf(0x0a);
  const action = Buffer.from(lines.buffer, lines.byteOffset, border);
  const source = Buffer.from(lines.buffer, lines.byteOffset + border + 1, lines.length - border - 2);
  const facts = JSON.stringify({ index, status, type, reason, ...(cause === undefined ? {} : { cause }) });
  return Buffer.concat([Buffer.from(`${facts.slice(0, -1)},"action":`), action, Buffer.from(',"source":'), source, Buffer.from("}\n")]);
}

async function writeWhole(file: FileHandle, bytes: Uint8Array): Promise<void> {
  let written = 0;
  while (written < bytes.length) written += (await file.write(bytes, written)).bytesWritten;
}
