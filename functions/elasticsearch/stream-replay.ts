import * as z from "zod";
import { loadingSettings } from "./index-settings.ts";
import type { SearchServer } from "./inspect-server.ts";
import type { IndexPlan, JsonObject } from "./restore-plan.ts";
import { pathOf, type SearchTransport } from "./transport.ts";
import { unexpectedAnswer } from "./unexpected-answer.ts";

const streamAnswer = z.object({ data_streams: z.tuple([z.object({ indices: z.array(z.object({ index_name: z.string() })).min(1) })]) });
const rolloverAnswer = z.object({ new_index: z.string(), rolled_over: z.literal(true), acknowledged: z.literal(true) });

/** A data stream that documents are written through, since its server takes them no other way: one of its indices for each of the source. */
export class StreamReplay {
  readonly stream: string;
  /** Its indices, by the source's number. */
  readonly #indices = new Map<number, string>();
  readonly #before = new Map<string, JsonObject>();
  readonly #uuids = new Map<string, string>();
  readonly #transport: SearchTransport;
  readonly #server: SearchServer;

  constructor(stream: string, { transport, server }: { transport: SearchTransport; server: SearchServer }) {
    this.stream = stream;
    this.#transport = transport;
    this.#server = server;
  }

  /** Makes the data stream, which a template must match. */
  async create(): Promise<void> {
    await this.#transport.json({ method: "PUT", path: pathOf("_data_stream", this.stream) });
  }

  /** Resolves with the index that the documents of this one go into; the first is there, others the stream rolls over to. */
  async indexFor({ number }: IndexPlan): Promise<string> {
    const known = this.#indices.get(number);
    if (known !== undefined) return known;
    const index = this.#indices.size === 0 ? await this.#writeIndex() : await this.#rollOver();
    await this.#suitLoading(index);
    this.#indices.set(number, index);
    return index;
  }

  /** Settings that each index had before it was loaded; null where there was none. */
  get held(): ReadonlyMap<string, JsonObject> {
    return this.#before;
  }

  /** Of its indices, by name. */
  get uuids(): ReadonlyMap<string, string> {
    return this.#uuids;
  }

  async #writeIndex(): Promise<string> {
    return (await this.names()).at(-1)!;
  }

  /** All its indices, oldest first. */
  async names(): Promise<string[]> {
    return readStream(this.#transport, this.stream);
  }

  /** Not to be repeated: a second one would leave an index without documents. */
  async #rollOver(): Promise<string> {
    const path = pathOf(this.stream, "_rollover");
    const parsed = rolloverAnswer.safeParse((await this.#transport.json({ method: "POST", path })).json);
    if (!parsed.success) throw unexpectedAnswer(this.#transport, `POST ${path}`, parsed.error);
    return parsed.data.new_index;
  }

  async #suitLoading(index: string): Promise<void> {
    const path = pathOf(index, "_settings");
    const answer = await this.#transport.json({ method: "GET", path, query: { flat_settings: true } });
    const settings = (answer.json as Readonly<Record<string, { settings: JsonObject }>>)[index]?.settings;
    if (settings === undefined) throw unexpectedAnswer(this.#transport, `GET ${path}`);
    this.#uuids.set(index, String(settings["index.uuid"]));
    const loading = loadingSettings(this.#server);
    this.#before.set(index, Object.fromEntries(Object.keys(loading).map((name) => [name, settings[name] ?? null])));
    await this.#transport.json({ method: "PUT", path, body: loading });
  }
}

/** The indices of a data stream, oldest first. */
export async function readStream(transport: SearchTransport, stream: string): Promise<string[]> {
  const path = pathOf("_data_stream", stream);
  const parsed = streamAnswer.safeParse((await transport.json({ method: "GET", path })).json);
  if (!parsed.success) throw unexpectedAnswer(transport, `GET ${path}`, parsed.error);
  return parsed.data.data_streams[0].indices.map(({ index_name }) => index_name);
}
