// The bulk of a data set: small keys in the numbers that real servers have them, and a few keys of tens of megabytes.
import type { RespArgument, RespConnection } from "./resp.ts";
import type { SeededRandom } from "./seeded-random.ts";

export interface BulkOptions {
  readonly random: SeededRandom;
  readonly now: number;
  /** 1 is 2.1 million keys and about 1 GB in memory. */
  readonly scale: number;
  readonly databases: readonly number[];
}

/** Keys at scale 1, by what they hold. */
const COUNTS = {
  strings: 2_000_000,
  integers: 20_000,
  smallHashes: 50_000,
  hashes: 500,
  lists: 20_000,
  intsets: 20_000,
  sets: 10_000,
  smallSortedSets: 30_000,
  sortedSets: 200,
  streams: 2_000,
  hyperLogLogs: 2_000,
};
/** The share of the strings that lies in the first, second, … database. */
const DATABASE_SHARES = [0.85, 0.1, 0.04, 0.01];
const MEMBERS_A_COMMAND = 500;

/** Writes small keys first, then the big ones, into database 0 unless said otherwise. */
export async function fillBulk(connection: RespConnection, options: BulkOptions): Promise<void> {
  const { databases, scale } = options;
  const fill = new BulkFill(connection, options);
  for (const [index, database] of databases.entries()) {
    await connection.call("SELECT", database);
    await fill.strings(Math.round(COUNTS.strings * scale * (DATABASE_SHARES[index] ?? 0)));
  }
  await connection.call("SELECT", databases[0] ?? 0);
  await fill.collections();
  await fill.streams(Math.round(COUNTS.streams * scale));
  await fill.bigKeys();
  await connection.settled();
}

class BulkFill {
  readonly #connection: RespConnection;
  readonly #random: SeededRandom;
  readonly #options: BulkOptions;

  constructor(connection: RespConnection, options: BulkOptions) {
    this.#connection = connection;
    this.#random = options.random;
    this.#options = options;
  }

  async strings(count: number): Promise<void> {
    const random = this.#random;
    for (let index = 0; index < count; index++) {
      const text = random.text(10 + random.below(80));
      const value = random.below(10) < 7 ? `{"id":${index},"ok":${random.oneIn(2)},"n":"${text}"}` : random.bytes(20 + random.below(100));
      const key = `user:${index}:${random.below(1000)}`;
      if (random.oneIn(10)) await this.#send("SET", key, value, "PXAT", this.#expiry());
      else await this.#send("SET", key, value);
    }
  }

  async collections(): Promise<void> {
    const random = this.#random;
    await this.#each("counter", COUNTS.integers, (key) => ["SET", key, random.below(2 ** 32)]);
    await this.#each("session", COUNTS.smallHashes, (key) => ["HSET", key, ...pairs(8, (field) => [`f${field}`, random.text(12)])]);
    await this.#each("profile", COUNTS.hashes, (key) => ["HSET", key, ...pairs(1000, (field) => [`field:${field}`, random.text(16)])]);
    await this.#each("queue", COUNTS.lists, (key) => ["RPUSH", key, ...pairs(50, () => [random.text(16)])]);
    await this.#each("ids", COUNTS.intsets, (key) => ["SADD", key, ...pairs(100, () => [random.below(1e9)])]);
    await this.#each("tags", COUNTS.sets, (key) => ["SADD", key, ...pairs(50, (n) => [`${n}${random.text(14)}`])]);
    await this.#each("board", COUNTS.smallSortedSets, (key) => ["ZADD", key, ...pairs(30, (n) => [random.below(1e6), `player:${n}`])]);
    await this.#each("ranking", COUNTS.sortedSets, (key) => ["ZADD", key, ...pairs(2000, (n) => [random.below(1e9) / 100, `member:${n}`])]);
    await this.#each("visitors", COUNTS.hyperLogLogs, (key) => ["PFADD", key, ...pairs(60, () => [random.below(2 ** 32)])]);
  }

  async streams(count: number): Promise<void> {
    for (let index = 0; index < count; index++) {
      const key = `events:${index}`;
      await this.#stream(key, { entries: 100, pending: 30 });
      await this.#send("XDEL", key, "1700000000005-0", "1700000000050-0");
    }
  }

  /** Seven keys that are 50 to 90 MB each at scale 1. */
  async bigKeys(): Promise<void> {
    const random = this.#random;
    const scaled = (count: number) => Math.ceil(count * this.#options.scale);
    await this.#send("SET", "big:text", random.text(scaled(50_000_000)));
    await this.#send("SET", "big:bytes", random.bytes(scaled(90_000_000)));
    await this.#grow("HSET", "big:hash", scaled(500_000), (n) => [`field:${n}`, random.text(60)]);
    await this.#grow("RPUSH", "big:list", scaled(500_000), () => [random.text(130)]);
    await this.#grow("SADD", "big:set", scaled(1_000_000), (n) => [`${n}:${random.text(20)}`]);
    await this.#grow("ZADD", "big:zset", scaled(1_000_000), (n) => [random.below(1e9) / 8, `member:${n}`]);
    await this.#stream("big:stream", { entries: scaled(300_000), pending: scaled(20_000), text: 170 });
  }

  async #each(name: string, count: number, make: (key: string) => RespArgument[]): Promise<void> {
    const scaled = Math.max(1, Math.round(count * this.#options.scale));
    for (let index = 0; index < scaled; index++) {
      const key = `${name}:${index}`;
      await this.#send(...make(key));
      if (this.#random.oneIn(10)) await this.#send("PEXPIREAT", key, this.#expiry());
    }
  }

  async #grow(verb: string, key: string, count: number, make: (index: number) => RespArgument[]): Promise<void> {
    for (let from = 0; from < count; from += MEMBERS_A_COMMAND) {
      await this.#send(verb, key, ...pairs(Math.min(MEMBERS_A_COMMAND, count - from), (index) => make(from + index)));
    }
  }

  /** Two groups; three consumers, one of which read nothing; a part of what was read is acknowledged. */
  async #stream(key: string, options: { entries: number; pending: number; text?: number }): Promise<void> {
    const { entries, pending, text = 20 } = options;
    for (let index = 1; index <= entries; index++) {
      await this.#send("XADD", key, `${1_700_000_000_000 + index}-0`, "kind", index % 7, "body", this.#random.text(text));
    }
    await this.#send("XGROUP", "CREATE", key, "workers", "0");
    await this.#send("XGROUP", "CREATE", key, "audit", "$");
    const share = Math.ceil(pending / 2) + 2;
    for (const consumer of ["first", "second"]) {
      await this.#send("XREADGROUP", "GROUP", "workers", consumer, "COUNT", share, "STREAMS", key, ">");
    }
    await this.#send("XGROUP", "CREATECONSUMER", key, "workers", "idle");
    await this.#send("XACK", key, "workers", "1700000000001-0", "1700000000002-0", "1700000000003-0");
  }

  #expiry(): number {
    return this.#options.now + 7_200_000 + this.#random.below(25_000_000);
  }

  async #send(...command: RespArgument[]): Promise<void> {
    const relief = this.#connection.send(...command);
    if (relief !== undefined) await relief;
  }
}

function pairs(count: number, make: (index: number) => RespArgument[]): RespArgument[] {
  const flat: RespArgument[] = [];
  for (let index = 0; index < count; index++) flat.push(...make(index));
  return flat;
}
