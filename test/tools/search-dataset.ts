// Documents as they are found in the field, of about 1 kB, the same for the same seed: to fill indices of any size.
import { askServerOk, type SearchEndpoint } from "../servers/search-server.ts";
import { type SeededRandom, seededRandom } from "./seeded-random.ts";

export interface FillOptions {
  readonly documents: number;
  /** Default 1. */
  readonly shards?: number;
  /** Default 1. */
  readonly seed?: number;
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Default: nothing is looked into, which loads fastest; REALISTIC_MAPPINGS for a real index. */
  readonly mappings?: object;
}

/** Maps every field of the documents. */
export const REALISTIC_MAPPINGS = {
  dynamic: false,
  properties: {
    "@timestamp": { type: "date" },
    level: { type: "keyword" },
    host: { type: "keyword" },
    account: { type: "long" },
    amount: { type: "double" },
    message: { type: "text" },
    tags: { type: "keyword" },
    items: { type: "nested", properties: { name: { type: "keyword" }, price: { type: "double" } } },
  },
};

const BULK_DOCUMENTS = 5_000;
const IN_FLIGHT = 2;

/** Creates the index, without replicas, and loads it; rejects unless the server took every document and counts as many. */
export async function fillIndex(server: SearchEndpoint, index: string, options: FillOptions): Promise<void> {
  const { documents, shards = 1, seed = 1, settings, mappings = { dynamic: false } } = options;
  const path = `/${encodeURIComponent(index)}`;
  const created = { number_of_shards: shards, number_of_replicas: 0, refresh_interval: "-1", ...settings };
  // Elasticsearch 6 has types, and leaves them out on request alone.
  const isTyped = server.version.startsWith("6.");
  await askServerOk(server, `PUT ${path}${isTyped ? "?include_type_name=false" : ""}`, JSON.stringify({ settings: created, mappings }));
  const bulk = `POST ${path}${isTyped ? "/_doc" : ""}/_bulk?filter_path=errors,items.*.error`;
  let next = 0;
  const load = async () => {
    while (next < documents) {
      const from = next;
      next = Math.min(documents, from + BULK_DOCUMENTS);
      const answer = await askServerOk(server, bulk, bulkBody(seed, { from, to: next }));
      if (answer.toString() !== '{"errors":false}') throw new Error(`The server refused documents: ${answer.toString().slice(0, 1_000)}`);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, load));
  await askServerOk(server, `POST ${path}/_refresh`);
  const { count } = JSON.parse((await askServerOk(server, `GET ${path}/_count`)).toString()) as { count: number };
  if (count !== documents) throw new Error(`"${index}" holds ${count} documents instead of ${documents}`);
  if (settings?.refresh_interval === undefined) await askServerOk(server, `PUT ${path}/_settings`, '{"index":{"refresh_interval":null}}');
}

/** Documents number `from` up to, not including, `to` as a body for _bulk. */
export function bulkBody(seed: number, { from, to }: { from: number; to: number }): Buffer {
  let body = "";
  for (let number = from; number < to; number += 1) {
    const { id, routing, source } = realisticDocument(seed, number);
    body += routing === undefined ? `{"index":{"_id":"${id}"}}\n` : `{"index":{"_id":"${id}","routing":"${routing}"}}\n`;
    body += `${source}\n`;
  }
  return Buffer.from(body);
}

/** Document number `number` of the seed, whatever others there are; one in 50 has a routing. */
export function realisticDocument(
  seed: number,
  number: number,
): { readonly id: string; readonly routing?: string; readonly source: string } {
  const random = seededRandom(Math.imul(seed, 0x9e3779b1) ^ Math.imul(number + 1, 0x85ebca6b));
  const routing = random.oneIn(50) ? { routing: `tenant-${random.below(20)}` } : {};
  return { id: `${seed}-${number.toString(36).padStart(6, "0")}`, ...routing, source: sourceOf(random, number) };
}

function sourceOf(random: SeededRandom, number: number): string {
  const time = new Date(1_760_000_000_000 + number * 1_000 + random.below(1_000)).toISOString();
  // Above 2^53, where a double has no whole number for each.
  const account = `9${String(random.below(1e9)).padStart(9, "0")}${String(random.below(1e8)).padStart(8, "0")}`;
  return (
    `{"@timestamp":"${time}","level":"${pick(random, LEVELS)}","host":"host-${random.below(500)}","account":${account},` +
    `"amount":${random.below(1e6)}.${random.below(10)}0,"ratio":${pick(random, RATIOS)},"is_open":${random.oneIn(2)},"parent":null,` +
    `"message":"${words(random, 55)}","title":"${words(random, 6)}","tags":[${tags(random)}],` +
    `"items":[${items(random)}],"path":[[${random.below(360)}.0,${random.below(90)}.5],[[${random.below(9)}],[]]],` +
    `"user":{"name":"${words(random, 2)}","session":"${random.bytes(12).toString("hex")}","quote":"\\"${pick(random, WORDS)}\\" \\\\ \\n"}}`
  );
}

const LEVELS = ["debug", "info", "info", "info", "warning", "error"];
const RATIOS = ["1.0", "0.5", "1e-7", "-0.0", "1E3", "0.30000000000000004", "2.50", "12345678901234567890"];
const WORDS = (
  "Übergabe Größe Straße façade naïve 東京 大阪 北海道 資料 서울 привет данные Ελλάδα 😀 🚀 👩‍💻 ångström jalapeño " +
  "amber anchor basin beacon bridge canal cedar chalk cliff cloud coast copper coral delta drift ember fable falcon fern field fjord flint " +
  "forest garden glacier granite harbor hazel heron hollow island ivory juniper kelp lagoon lantern larch ledger lime marble meadow mill " +
  "moss north oak ocean opal orchard otter pebble pine quarry rain reef river saddle salt shore silver slate spring stone storm summit " +
  "request answered after retry timeout connection refused by upstream while reading response header from client order shipped paid " +
  "cancelled customer invoice payment accepted rejected because limit exceeded user signed in out of session expired token renewed"
).split(" ");

function words(random: SeededRandom, count: number): string {
  let text = pick(random, WORDS);
  // A number now and then keeps prose from repeating too well.
  for (let index = 1; index < count; index += 1) text += random.oneIn(8) ? ` ${random.below(100_000)}` : ` ${pick(random, WORDS)}`;
  return text;
}

function tags(random: SeededRandom): string {
  return Array.from({ length: random.below(5) }, () => `"${pick(random, WORDS)}"`).join(",");
}

function items(random: SeededRandom): string {
  return Array.from(
    { length: random.below(4) },
    () => `{"name":"${pick(random, WORDS)}","price":${random.below(1_000)}.50,"count":[${random.below(9)},[${random.below(9)}]]}`,
  ).join(",");
}

function pick(random: SeededRandom, from: readonly string[]): string {
  return from[random.below(from.length)] as string;
}
