import { describeKey } from "./rdb-format.ts";
import type { RedisReplyError } from "./redis-error.ts";
import type { KeyListener } from "./resp-link.ts";

export type RestorePolicy = "fail" | "skip" | "replace";

/** Keys that a database got, by whether they expire. */
export interface DatabaseTally {
  persistent: number;
  /** Expiring keys whose time was still to come when they were answered. */
  volatile: number;
  /** Expiring keys whose time had come: the server takes them and keeps nothing. */
  expired: number;
  /** Of the volatile ones: by the second in which they expire, as far as that may be within this run. */
  readonly expiringAt: Map<number, number>;
}

export interface Refusal {
  readonly database: number;
  readonly key: string;
  readonly error: string;
}

/** After this long no restore runs any more; keys that expire later are not told apart. */
const LONGEST_RUN_MS = 7 * 24 * 3600 * 1000;
const NAMED_REFUSALS = 10;
/** So many single refusals are no accident. */
const MAX_REFUSALS = 1_000;
/** Replies that concern one value; any other error would meet every key after it as well. */
const ONE_VALUE = /^ERR Bad data format/;

/** Counts what the target answered, key by key. */
export class RestoreTally implements KeyListener {
  readonly databases = new Map<number, DatabaseTally>();
  /** Keys met in the file. */
  met = 0;
  skipped = 0;
  refusals = 0;
  readonly firstRefused: Refusal[] = [];
  /** The reply after which nothing more is to be sent. */
  fatal: RedisReplyError | undefined;
  readonly #policy: RestorePolicy;
  readonly #serverNow: () => number;
  #database = 0;
  #current: DatabaseTally = emptyTally();

  /** `serverNow` is the target's clock, not ours: Unix milliseconds. */
  constructor(policy: RestorePolicy, serverNow: () => number) {
    this.#policy = policy;
    this.#serverNow = serverNow;
  }

  /** Replies from now on are about this database. */
  enter(database: number): void {
    this.#database = database;
    const tally = this.databases.get(database) ?? emptyTally();
    this.databases.set(database, tally);
    this.#current = tally;
  }

  /** Expiring keys count as what they are at the moment of the reply. */
  accepted(expiresAtMs: number): void {
    const tally = this.#current;
    if (expiresAtMs === 0) {
      tally.persistent += 1;
      return;
    }
    const now = this.#serverNow();
    if (expiresAtMs <= now) {
      tally.expired += 1;
      return;
    }
    tally.volatile += 1;
    if (expiresAtMs - now > LONGEST_RUN_MS) return;
    const second = Math.floor(expiresAtMs / 1000);
    tally.expiringAt.set(second, (tally.expiringAt.get(second) ?? 0) + 1);
  }

  refused(reply: RedisReplyError, key: Buffer): void {
    if (this.#policy === "skip" && reply.message.startsWith("BUSYKEY")) {
      this.skipped += 1;
      return;
    }
    this.refuse(key, reply.message);
    if (!ONE_VALUE.test(reply.message) || this.refusals >= MAX_REFUSALS) this.fatal ??= reply;
  }

  /** Notes a key that was not restored, without which the others may still be. */
  refuse(key: Uint8Array, error: string): void {
    this.refusals += 1;
    if (this.firstRefused.length < NAMED_REFUSALS) this.firstRefused.push({ database: this.#database, key: describeKey(key), error });
  }

  get restored(): number {
    return this.#sum((tally) => tally.persistent + tally.volatile);
  }

  get expired(): number {
    return this.#sum((tally) => tally.expired);
  }

  #sum(count: (tally: DatabaseTally) => number): number {
    return [...this.databases.values()].reduce((sum, tally) => sum + count(tally), 0);
  }
}

function emptyTally(): DatabaseTally {
  return { persistent: 0, volatile: 0, expired: 0, expiringAt: new Map() };
}
