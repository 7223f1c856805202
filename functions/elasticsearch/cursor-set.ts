import { setTimeout as pause } from "node:timers/promises";
import pLimit from "p-limit";
import { DatabaseUnavailableError, describeError, IncompleteError } from "../../runner/errors.ts";
import type { Log } from "../../runner/function.ts";
import { askPersistently } from "./ask-persistently.ts";
import { explainLoss } from "./explain-loss.ts";
import { type IndexIdentity, readIndexIdentities } from "./index-identity.ts";
import { judgeOpening } from "./judge-opening.ts";
import { keepAlive } from "./keep-alive.ts";
import type { Cursors } from "./open-cursors.ts";
import { type CursorLink, PointInTime } from "./point-in-time.ts";
import { ShardScroll } from "./scroll.ts";
import type { ShardCursor } from "./shard-cursor.ts";
import type { SearchTransport } from "./transport.ts";

export interface CursorSetOptions {
  readonly indices: readonly IndexIdentity[];
  readonly method: "point-in-time" | "scroll";
  /** Whether scrolls will do where there are no points in time. */
  readonly mayFallBack: boolean;
  warn(reason: string, message: string): void;
}

type OpenCursor = PointInTime | ShardScroll;

interface HeldIndex {
  readonly identity: IndexIdentity;
  readonly cursors: Map<number, OpenCursor>;
}

const CLEAN_UP_MS = 10_000;
const CLOSED_AT_ONCE = 8;
const SLOT_PAUSE_MS = 500;

/** Everything that is open on the server for one run. */
export class CursorSet implements Cursors {
  readonly transport: SearchTransport;
  readonly signal: AbortSignal;
  readonly log: Log;
  readonly #link: CursorLink;
  readonly #options: CursorSetOptions;
  readonly #indices: Map<string, HeldIndex>;
  readonly #ending = new AbortController();
  readonly #opening = new Set<Promise<unknown>>();
  readonly #renewing: Promise<void>;
  #method: "point-in-time" | "scroll";
  #openedFrom = new Date();
  #openedUntil = new Date();
  #late = 0;
  #loss: unknown;

  constructor(link: CursorLink, options: CursorSetOptions) {
    this.transport = link.transport;
    this.signal = AbortSignal.any([link.signal, this.#ending.signal]);
    this.log = link.log;
    this.#link = { ...link, signal: this.signal };
    this.#options = options;
    this.#method = options.method;
    this.#indices = new Map(options.indices.map((identity) => [identity.name, { identity, cursors: new Map() }]));
    this.#renewing = keepAlive(this.#link, {
      cursors: () => this.#pointsInTime(),
      isOpen: ({ index, shard }) => this.#indices.get(index.name)?.cursors.has(shard) === true,
      onLoss: (loss) => {
        this.#loss ??= loss;
      },
    });
  }

  get method(): "point-in-time" | "scroll" {
    return this.#method;
  }

  get openedFrom(): Date {
    return this.#openedFrom;
  }

  get openedUntil(): Date {
    return this.#openedUntil;
  }

  has(name: string): boolean {
    return this.#indices.has(name);
  }

  uuidOf(name: string): string {
    return this.#held(name).identity.uuid;
  }

  shardsOf(name: string): number {
    return this.#held(name).identity.shards;
  }

  /** Opens a point in time on every shard of the index, unless that has to wait. */
  async open(name: string): Promise<void> {
    const { identity, cursors } = this.#held(name);
    for (let shard = 0; shard < identity.shards && this.#method === "point-in-time"; shard += 1) {
      try {
        const cursor = await this.#openPointInTime(identity, shard);
        cursors.set(shard, cursor);
      } catch (error) {
        const verdict = judgeOpening(error);
        if (verdict === "no-such-api" && this.#options.mayFallBack && this.#countOpen() === 0) this.#method = "scroll";
        else if (verdict === "too-many" && this.#countOpen() > 0) this.#late += 1;
        else if (verdict === "no-index") return await this.#forget(name);
        else throw error;
      }
    }
  }

  /** After all were opened: says what a person should know about their instants. */
  announce(): void {
    this.#openedUntil = new Date();
    const { warn } = this.#options;
    if (this.#method === "scroll")
      warn("NotOneInstant", "Without points in time each shard is read as it is when its turn comes: the backup is not of one instant");
    if (this.#late > 0)
      warn("NotOneInstant", `The server allows no more points in time (search.max_open_pit_context): ${this.#late} are opened later`);
  }

  async cursorOn(name: string, shard: number): Promise<ShardCursor> {
    this.signal.throwIfAborted();
    if (this.#loss !== undefined) throw this.#loss;
    const { identity, cursors } = this.#held(name);
    const held = cursors.get(shard);
    if (held !== undefined) return held;
    const opened = this.#method === "scroll" ? new ShardScroll(this.#link, identity, shard) : await this.#openLate(identity, shard);
    cursors.set(shard, opened);
    await this.#assertSame(identity);
    this.#openedUntil = new Date();
    return opened;
  }

  async closeShard(name: string, shard: number): Promise<void> {
    await this.#close([[name, shard]]);
  }

  async close(name: string): Promise<void> {
    const shards = [...(this.#indices.get(name)?.cursors.keys() ?? [])];
    await this.#close(shards.map((shard) => [name, shard]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort(new DatabaseUnavailableError("The cursors are closed", { reason: "CursorsClosed" }));
    await this.#renewing;
    await Promise.race([Promise.allSettled(this.#opening), pause(CLEAN_UP_MS, undefined, { ref: false })]);
    await this.#close(
      [...this.#indices].flatMap(([name, { cursors }]) => [...cursors.keys()].map((shard): [string, number] => [name, shard])),
    );
  }

  #held(name: string): HeldIndex {
    const held = this.#indices.get(name);
    if (held === undefined) throw new TypeError(`There is no cursor on index "${name}"`);
    return held;
  }

  #countOpen(): number {
    return this.#indices.values().reduce((sum, { cursors }) => sum + cursors.size, 0);
  }

  async #forget(name: string): Promise<void> {
    this.log.info("An index was deleted or closed before it could be read", { index: name });
    await this.close(name);
    this.#indices.delete(name);
  }

  async #openPointInTime(identity: IndexIdentity, shard: number): Promise<PointInTime> {
    this.signal.throwIfAborted();
    const { log, patienceMs } = this.#link;
    const subject = `shard ${shard} of index "${identity.name}"`;
    const opening = askPersistently(() => PointInTime.open(this.#link, identity, shard), {
      signal: this.signal,
      log,
      subject,
      patienceMs,
      onFailure: (_, error) => {
        if (judgeOpening(error) !== "failed") throw error;
      },
    });
    this.#opening.add(opening);
    try {
      const cursor = await opening;
      if (!this.#ending.signal.aborted) return cursor;
      await cursor.close(this.transport.forCleanUp(CLEAN_UP_MS));
      throw this.#ending.signal.reason;
    } finally {
      this.#opening.delete(opening);
    }
  }

  /** Waits until others are closed. */
  async #openLate(identity: IndexIdentity, shard: number): Promise<PointInTime> {
    const started = performance.now();
    for (;;) {
      try {
        return await this.#openPointInTime(identity, shard);
      } catch (error) {
        this.signal.throwIfAborted();
        const verdict = judgeOpening(error);
        if (verdict === "no-index") throw await explainLoss(this.transport, identity, error);
        // As long as there are cursors of our own, one of them will be closed.
        const isHopeless = this.#countOpen() === 0 && performance.now() - started > (this.#link.patienceMs ?? CLEAN_UP_MS);
        if (verdict !== "too-many" || isHopeless) throw error;
        await pause(SLOT_PAUSE_MS, undefined, { signal: this.signal }).catch(() => this.signal.throwIfAborted());
      }
    }
  }

  /** What is opened late may be another index, of the same name. */
  async #assertSame({ name, uuid }: IndexIdentity): Promise<void> {
    const { log, patienceMs } = this.#link;
    const options = { signal: this.signal, log, patienceMs, subject: `index "${name}"` };
    const now = await askPersistently(() => readIndexIdentities(this.transport, [name]), options);
    if (now.get(name)?.uuid !== uuid)
      throw new IncompleteError(`Index "${name}" was deleted before it could be read`, {
        reason: "IndexDeleted",
        hint: "Run the backup again, without this index if it comes and goes",
      });
  }

  /** Those that the server must not forget: scrolls are only kept alive by being read. */
  #pointsInTime(): PointInTime[] {
    const all = this.#indices.values().flatMap(({ cursors }) => cursors.values());
    return all.filter((cursor) => cursor instanceof PointInTime).toArray();
  }

  async #close(shards: readonly (readonly [name: string, shard: number])[]): Promise<void> {
    if (shards.length === 0) return;
    // The run may have been stopped: what is open on the server is closed all the same.
    const transport = this.transport.forCleanUp(CLEAN_UP_MS);
    let expiring = 0;
    let because: unknown;
    await pLimit(CLOSED_AT_ONCE).map(shards, async ([name, shard]) => {
      const cursors = this.#indices.get(name)?.cursors;
      const cursor = cursors?.get(shard);
      cursors?.delete(shard);
      await cursor?.close(transport).catch((error: unknown) => {
        expiring += 1;
        because = error;
      });
    });
    if (expiring > 0)
      this.log.info("Cursors could not be closed and expire by themselves", { cursors: expiring, because: describeError(because) });
  }
}
