import type { BulkTransport } from "../../../functions/elasticsearch/send-bulk.ts";
import { translateStatus } from "../../../functions/elasticsearch/server-error.ts";
import type { SearchRequest } from "../../../functions/elasticsearch/transport.ts";
import { DatabaseUnavailableError, type HoldfastError } from "../../../runner/errors.ts";

export interface SentDocument {
  readonly id: string | undefined;
  readonly routing: string | undefined;
  readonly source: string;
}

export interface BulkCall {
  /** Counted from 1. */
  readonly nth: number;
  readonly path: string;
  readonly query: Readonly<Record<string, unknown>>;
  readonly bytes: number;
  readonly documents: readonly SentDocument[];
}

export interface ItemFault {
  readonly status: number;
  readonly type?: string;
  readonly reason?: string;
  readonly cause?: string;
}

export type BulkScript = (call: BulkCall) =>
  | undefined
  /** The whole request is refused: nothing is done. */
  | { readonly status: number; readonly type?: string; readonly reason?: string }
  /** The connection ends instead of an answer, before or after the documents are taken. */
  | { readonly lost: "before" | "after" }
  /** Some items are refused, by their place in the request. */
  | { readonly items: (document: SentDocument, place: number) => ItemFault | undefined }
  /** Another answer than the target's own. */
  | { readonly answer: (own: string) => string };

/** A target in memory that takes bulk requests as a search server does, except where its script says otherwise. */
export class ScriptedBulkTarget implements BulkTransport {
  readonly description = "http://target:9200";
  readonly calls: BulkCall[] = [];
  /** What it holds, by id; documents without one get a number. */
  readonly documents = new Map<string, string>();
  /** Of the index; for questions about its settings. */
  mode = "standard";
  /** Called with each request before it is answered. */
  arrived: (call: BulkCall) => void | Promise<void> = () => undefined;
  readonly #script: BulkScript;

  constructor(script: BulkScript = () => undefined) {
    this.#script = script;
  }

  async json({ path }: SearchRequest) {
    if (!path.endsWith("/_settings")) throw new Error(`Nobody asks for ${path}`);
    return { status: 200, json: { backing: { settings: { "index.mode": this.mode } } } };
  }

  async bytes({ method, path, query = {}, body }: SearchRequest, onChunk: (chunk: Uint8Array) => void): Promise<number> {
    const bytes = Buffer.from(body as Uint8Array);
    const actions = parseBody(bytes);
    const documents = actions.map(({ document }) => document);
    const call = { nth: this.calls.length + 1, path, query, bytes: bytes.length, documents };
    this.calls.push(call);
    await this.arrived(call);
    const fault = this.#script(call);
    if (fault !== undefined && "status" in fault) throw this.#refuse(fault, { method, path });
    if (fault !== undefined && "lost" in fault) {
      if (fault.lost === "after") this.#takeAll(actions, () => undefined);
      throw new DatabaseUnavailableError("Cannot reach http://target:9200", { reason: "DatabaseUnreachable" });
    }
    const items = this.#takeAll(actions, fault !== undefined && "items" in fault ? fault.items : () => undefined);
    const errors = items.some((item) => "error" in (Object.values(item)[0] ?? {}));
    const own = JSON.stringify({ took: 3, errors, items });
    const text = fault !== undefined && "answer" in fault ? fault.answer(own) : own;
    // In two pieces, as from a network.
    for (const half of [text.slice(0, 10), text.slice(10)]) onChunk(Buffer.from(half));
    return 200;
  }

  #takeAll(actions: readonly Action[], faultOf: (document: SentDocument, place: number) => ItemFault | undefined): object[] {
    return actions.map(({ operation, document }, place) => {
      const fault = faultOf(document, place);
      const id = document.id ?? (this.mode === "time_series" ? document.source : `made-${this.documents.size}`);
      const exists = this.documents.has(id);
      if (fault !== undefined) return { [operation]: itemOf(fault) };
      if (exists && operation === "create") return { [operation]: itemOf({ status: 409, type: "version_conflict_engine_exception" }) };
      this.documents.set(id, document.source);
      return { [operation]: { status: exists ? 200 : 201 } };
    });
  }

  #refuse(
    { status, type = "", reason = "no" }: { status: number; type?: string; reason?: string },
    { method, path }: { method: string; path: string },
  ): HoldfastError {
    const text = type === "" ? "" : JSON.stringify({ error: { root_cause: [{ type, reason }], type, reason }, status });
    return translateStatus({ method, path, status, text, description: this.description, isAnonymous: true });
  }
}

interface Action {
  readonly operation: "index" | "create";
  readonly document: SentDocument;
}

function parseBody(bytes: Buffer): Action[] {
  const lines = bytes.toString("utf8").split("\n");
  if (lines.pop() !== "") throw new Error("The bulk request must be terminated by a newline");
  return Array.from({ length: lines.length / 2 }, (_, place) => {
    const [[operation, { _id, routing }]] = Object.entries(JSON.parse(lines[2 * place]!)) as [
      ["index" | "create", { _id?: string; routing?: string }],
    ];
    return { operation, document: { id: _id, routing, source: lines[2 * place + 1]! } };
  });
}

function itemOf({ status, type = "some_exception", reason = "", cause }: ItemFault): object {
  return { status, error: { type, reason, ...(cause === undefined ? {} : { caused_by: { type: "inner", reason: cause } }) } };
}
