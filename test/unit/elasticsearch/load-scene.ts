import { BulkGate, type BulkGateOptions } from "../../../functions/elasticsearch/bulk-gate.ts";
import { loadIndex } from "../../../functions/elasticsearch/load-index.ts";
import type { LoadRequest, LoadResult, LoadStream } from "../../../functions/elasticsearch/load-request.ts";
import { Refusals } from "../../../functions/elasticsearch/refusals.ts";
import type { BulkTransport } from "../../../functions/elasticsearch/send-bulk.ts";

export interface LoadScene {
  readonly gate: BulkGate;
  readonly refusals: Refusals;
  readonly logged: { readonly level: string; readonly message: string; readonly fields: unknown }[];
  /** What progress told, summed. */
  readonly accepted: { documents: number; bytes: number };
  load(request?: Partial<LoadRequest>): Promise<LoadResult>;
}

export interface SceneOptions extends Partial<BulkGateOptions> {
  readonly refusals?: Refusals;
  readonly signal?: AbortSignal;
  readonly failure?: AbortController;
}

/** A load of the streams into "books", whose repetitions wait for nothing. */
export async function loadScene(transport: BulkTransport, streams: readonly LoadStream[], options: SceneOptions = {}): Promise<LoadScene> {
  const logged: LoadScene["logged"] = [];
  const at = (level: string) => (message: string, fields?: unknown) => logged.push({ level, message, fields });
  const log = { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
  const { refusals = await Refusals.open(), signal = new AbortController().signal, failure, ...gateOptions } = options;
  const gate = new BulkGate({ requests: 2, log, backoffMs: () => 0, ...gateOptions });
  const accepted = { documents: 0, bytes: 0 };
  const progress = ({ documents, bytes }: { documents: number; bytes: number }) => {
    accepted.documents += documents;
    accepted.bytes += bytes;
  };
  return {
    gate,
    refusals,
    logged,
    accepted,
    load: (request) =>
      loadIndex(
        transport,
        { index: "books", action: "index", streams, ...request },
        { gate, refusals, signal, log, progress, ...(failure === undefined ? {} : { failure }) },
      ),
  };
}

/** A stream of so many hit lines; `pad` bytes of text in each make bodies of many documents, or of few. */
export function streamOf(count: number, { name = "indices/0001/shard-0.ndjson", prefix = "d", pad = 0 } = {}): LoadStream {
  return {
    name,
    lines: async function* () {
      for (let at = 0; at < count; at += 100) {
        const lines = Array.from({ length: Math.min(100, count - at) }, (_, n) => hitLine(`${prefix}${at + n}`, pad));
        yield Buffer.from(lines.join(""));
      }
    },
  };
}

export function hitLine(id: string, pad = 0): string {
  return `{"_index":"old","_id":"${id}","_score":null,"_source":{"n":"${id}","t":"${"x".repeat(pad)}"},"sort":[1]}\n`;
}

export function idsOf(count: number, prefix = "d"): string[] {
  return Array.from({ length: count }, (_, n) => `${prefix}${n}`).sort();
}
