import { DatabaseUnavailableError } from "../../runner/errors.ts";
import type { Log } from "../../runner/function.ts";
import { backoffPause } from "./backoff-pause.ts";
import { BulkCutter } from "./bulk-cutter.ts";
import { Permits } from "./permits.ts";

export interface BulkGateOptions {
  /** Bulk requests in flight, over all indices, as long as the target takes them. */
  readonly requests: number;
  readonly log: Log;
  /** The size of bodies at first; default 8 MiB. */
  readonly bodyBytes?: number;
  /** Streams that are read at once, over all indices; default 3. */
  readonly streams?: number;
  /** How long nothing at all may be accepted while requests are repeated; default 10 minutes. */
  readonly stallLimitMs?: number;
  /** How long a full disk of the target is waited for; default 1 minute. */
  readonly diskPatienceMs?: number;
  /** The pause before the nth repetition of a body, from 1; default exponential up to 30 s, with jitter. */
  readonly backoffMs?: (repetition: number) => number;
}

const MEGABYTE = 1024 * 1024;
const START_BYTES = 8 * MEGABYTE;
const LEAST_BYTES = MEGABYTE / 2;
const MOST_BYTES = 16 * MEGABYTE;
/** Of all bodies in memory together. */
const MEMORY_BYTES = 64 * MEGABYTE;
const DEFAULT_STREAMS = 3;
/** Answers that are averaged before the size of bodies changes. */
const SAMPLE = 8;
const LOG_EVERY_MS = 30_000;

/**
 * What all loads of a restore share: how many requests are in flight, how large they are, and what memory they take. Bodies grow while the
 * target's time a byte falls; both shrink when it has no room, and recover.
 */
export class BulkGate {
  /** Bodies of bulk requests that exist at the same time. */
  readonly bodies: Permits;
  readonly streams: Permits;
  readonly diskPatienceMs: number;
  readonly #requests: Permits;
  readonly #options: BulkGateOptions;
  readonly #cutters = new Map<string, BulkCutter>();
  #leastBytes: number;
  #mostBytes: number;
  #bodyBytes: number;
  #settledAt = performance.now();
  /** Pauses since then. */
  #fruitless = 0;
  #reducedAt = Number.NEGATIVE_INFINITY;
  #loggedAt = Number.NEGATIVE_INFINITY;
  #successes = 0;
  #sample = { count: 0, bytes: 0, tookMs: 0 };
  #lastCost = Number.POSITIVE_INFINITY;
  #isSizeSettled = false;

  constructor(options: BulkGateOptions) {
    const { streams = DEFAULT_STREAMS, bodyBytes = START_BYTES } = options;
    this.#options = options;
    this.#requests = new Permits(options.requests);
    this.bodies = new Permits(options.requests + 1);
    this.streams = new Permits(streams);
    this.diskPatienceMs = options.diskPatienceMs ?? 60_000;
    this.#leastBytes = Math.min(LEAST_BYTES, bodyBytes);
    this.#mostBytes = Math.max(this.#leastBytes, Math.min(MOST_BYTES, Math.floor(MEMORY_BYTES / (options.requests + 1 + streams))));
    this.#bodyBytes = Math.min(bodyBytes, this.#mostBytes);
  }

  /** What a body should have now. */
  get bodyBytes(): number {
    return this.#bodyBytes;
  }

  /** How many requests may be in flight now. */
  get requests(): number {
    return this.#requests.limit;
  }

  /** One cutter for all loads of a kind: what memory their bodies had is used again. */
  cutterFor(action: "index" | "create", omitIds: boolean): BulkCutter {
    const key = `${action} ${omitIds}`;
    const cutter = this.#cutters.get(key) ?? new BulkCutter({ targetBytes: this.#bodyBytes, action, omitIds, omitRouting: omitIds });
    this.#cutters.set(key, cutter);
    return cutter;
  }

  /** Resolves when a request may be sent; disposed of when it was answered. */
  enter(signal: AbortSignal): Promise<Disposable> {
    return this.#requests.take(signal);
  }

  /** A whole body was taken at once. */
  wasTaken(bytes: number, tookMs: number): void {
    this.#successes += 1;
    if (this.#successes >= 2 * this.requests && this.requests < this.#options.requests) {
      this.#successes = 0;
      this.#requests.limit += 1;
    }
    // Small bodies, at the ends of streams, tell of the cost of a request.
    if (bytes < this.#bodyBytes / 2) return;
    const { count, bytes: sum, tookMs: time } = this.#sample;
    this.#sample = { count: count + 1, bytes: sum + bytes, tookMs: time + tookMs };
    if (this.#sample.count >= SAMPLE) this.#fitSize();
  }

  /** The target has no room for a request that was sent then, or did not answer: less at once, and smaller. */
  wasRefusedRoom(sentAtMs: number): void {
    this.#successes = 0;
    // What was in flight at the last reduction tells nothing of its effect.
    if (sentAtMs < this.#reducedAt) return;
    const now = performance.now();
    this.#reducedAt = now;
    this.#requests.limit = Math.max(1, Math.floor(this.requests * 0.7));
    this.#resize(Math.floor(this.#bodyBytes * 0.8));
    // Which size is best is to be found out again.
    this.#isSizeSettled = false;
    this.#lastCost = Number.POSITIVE_INFINITY;
    if (now - this.#loggedAt < LOG_EVERY_MS) return;
    this.#loggedAt = now;
    this.#options.log.info("The target has no room for more, so less is sent at once", {
      requests: this.requests,
      bodyBytes: this.#bodyBytes,
    });
  }

  /** A request of this size does not get through. */
  wasTooLarge(bytes: number): void {
    this.#mostBytes = Math.max(1, Math.min(this.#mostBytes, Math.floor(bytes / 2)));
    this.#leastBytes = Math.min(this.#leastBytes, this.#mostBytes);
    this.#resize(this.#bodyBytes);
  }

  /** Some items got their final answer. */
  settled(): void {
    this.#settledAt = performance.now();
    this.#fruitless = 0;
  }

  /** Waits before a body is repeated for the nth time. `sinceMs`: when its troubles began. @throws DatabaseUnavailableError when nothing moves any more */
  async backOff(repetition: number, { sinceMs, cause, signal }: { sinceMs: number; cause: unknown; signal: AbortSignal }): Promise<void> {
    const stallLimitMs = this.#options.stallLimitMs ?? 600_000;
    const stalledMs = performance.now() - Math.max(sinceMs, this.#settledAt);
    if (stalledMs >= stallLimitMs)
      throw new DatabaseUnavailableError(`The target took no document for ${Math.round(stallLimitMs / 1000)} seconds`, {
        reason: "TargetOverloaded",
        cause,
        hint: "Look at the target's load, heap and disks, or restore with a lower --es-concurrency",
      });
    // As long as others get through, the number of requests is what spares the target; a long pause would only leave it idle.
    this.#fruitless += 1;
    const rounds = Math.ceil(this.#fruitless / this.#options.requests);
    const wanted = (this.#options.backoffMs ?? backoffPause)(Math.min(repetition, rounds));
    await pause(Math.min(wanted, Math.max(0, stallLimitMs - stalledMs)), signal);
  }

  #fitSize(): void {
    const cost = this.#sample.tookMs / this.#sample.bytes;
    const isBetter = cost < 0.97 * this.#lastCost;
    if (!this.#isSizeSettled) {
      if (isBetter) this.#resize(Math.floor(this.#bodyBytes * 1.25));
      else {
        if (cost > 1.03 * this.#lastCost) this.#resize(Math.floor(this.#bodyBytes / 1.25));
        this.#isSizeSettled = true;
      }
    }
    this.#lastCost = cost;
    this.#sample = { count: 0, bytes: 0, tookMs: 0 };
  }

  #resize(bytes: number): void {
    this.#bodyBytes = Math.max(this.#leastBytes, Math.min(this.#mostBytes, bytes));
    // What was measured belongs to another size.
    this.#sample = { count: 0, bytes: 0, tookMs: 0 };
    for (const cutter of this.#cutters.values()) cutter.targetBytes = this.#bodyBytes;
  }
}

async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, milliseconds);
  const onAbort = () => resolve();
  signal.addEventListener("abort", onAbort);
  await promise;
  clearTimeout(timer);
  signal.removeEventListener("abort", onAbort);
  signal.throwIfAborted();
}
