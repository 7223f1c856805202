// Numbered leases of pruning: the highest number holds; to renew and to take over is to create the next one. FORMAT.md, "Lease of pruning".
import { randomBytes } from "node:crypto";
import * as z from "zod";
import { describeError, IncompleteError, LockedError } from "../errors.ts";
import { AlreadyExistsError, type ObjectStore, type StoreOptions } from "../storage/object-store.ts";
import { PRUNE_LEASES_PREFIX, parsePruneLeaseKey, pruneLeaseKey } from "./object-keys.ts";
import { readIfThere } from "./read-if-there.ts";

const MINUTE_MS = 60_000;
const LIFETIME_MS = 10 * MINUTE_MS;
const RENEWAL_MS = MINUTE_MS;
/** The holder gives up this long before the end, others wait this long after it: clocks may differ by the sum. */
const MARGIN_MS = 5 * MINUTE_MS;
const MAX_BYTES = 64 * 1024;

const schema = z.object({
  holder: z.string(),
  expires: z.iso.datetime(),
  /** Tells whether a put whose answer was lost was ours. */
  token: z.string(),
  /** The holder is done: nobody need wait for the end. */
  isReleased: z.boolean().optional(),
});
type PruneLeaseContent = z.infer<typeof schema>;

export interface PruneLeaseOptions {
  readonly holder: string;
  readonly signal: AbortSignal | undefined;
  readonly now: () => Date;
}

export interface PruneLease {
  /**
   * Resolves when we hold and will for some minutes; renews once a minute has passed. To be called before each step that relies on it.
   * @throws LockedError when the lease was lost
   */
  hold(): Promise<void>;
  /** Says that pruning is over. */
  release(signal: AbortSignal): Promise<void>;
}

/** @throws LockedError while somebody alive holds, IncompleteError when the highest lease cannot be read */
export async function takePruneLease(store: ObjectStore, options: PruneLeaseOptions): Promise<PruneLease> {
  const now = options.now();
  const numbers = await listNumbers(store, options);
  const highest = numbers.at(-1);
  if (highest !== undefined) {
    const content = await readLease(store, highest, options);
    if (content !== undefined && isAlive(content, now)) throw lockedBy(store, content);
  }
  const lease = new NumberedLease(store, { ...options, older: numbers });
  await lease.take((highest ?? 0) + 1);
  return lease;
}

/** Whether somebody may be pruning; what cannot be read counts as alive. */
export async function isPruneUnderWay(store: ObjectStore, options: StoreOptions & { now: () => Date }): Promise<boolean> {
  // Before reading: what is read late may have been renewed since.
  const now = options.now();
  const highest = (await listNumbers(store, options)).at(-1);
  if (highest === undefined) return false;
  try {
    const content = await readLease(store, highest, options);
    // Gone since it was listed: its holder has renewed or released it.
    return content === undefined || isAlive(content, now);
  } catch (error) {
    if (error instanceof IncompleteError) return true;
    throw error;
  }
}

class NumberedLease implements PruneLease {
  readonly #store: ObjectStore;
  readonly #options: PruneLeaseOptions & { readonly older: readonly number[] };
  readonly #token = randomBytes(8).toString("hex");
  #number = 0;
  #expiresMs = 0;

  constructor(store: ObjectStore, options: PruneLeaseOptions & { readonly older: readonly number[] }) {
    this.#store = store;
    this.#options = options;
  }

  async take(number: number): Promise<void> {
    if (!(await this.#create(number))) throw await this.#lost();
    // Somebody who saw the same lease may have gone on to a higher number before this one was created.
    await this.#confirmHighest();
  }

  async hold(): Promise<void> {
    await this.#confirmHighest();
    await this.#assertInTime(this.#expiresMs);
    if (this.#nowMs() >= this.#expiresMs - LIFETIME_MS + RENEWAL_MS) await this.#renew();
  }

  async release(signal: AbortSignal): Promise<void> {
    const before = this.#number;
    // Left behind on purpose: numbers are never used twice.
    await this.#create(before + 1, { isReleased: true, signal });
    await this.#store.delete([...this.#options.older, before].map(pruneLeaseKey), { signal });
  }

  async #renew(): Promise<void> {
    const { number, expiresMs } = { number: this.#number, expiresMs: this.#expiresMs };
    if (!(await this.#create(number + 1))) throw await this.#lost();
    await this.#store.delete([pruneLeaseKey(number)], { signal: this.#options.signal });
    // A renewal that came too late leaves a gap in which nobody seemed to prune.
    await this.#assertInTime(expiresMs);
  }

  async #assertInTime(expiresMs: number): Promise<void> {
    if (this.#nowMs() >= expiresMs - MARGIN_MS) throw await this.#lost();
  }

  #nowMs(): number {
    return this.#options.now().getTime();
  }

  /** False when somebody else has this number. */
  async #create(number: number, options: { isReleased?: true; signal?: AbortSignal } = {}): Promise<boolean> {
    const { isReleased, signal = this.#options.signal } = options;
    const expiresMs = this.#nowMs() + LIFETIME_MS;
    const { holder } = this.#options;
    const content: PruneLeaseContent = { holder, expires: new Date(expiresMs).toISOString(), token: this.#token };
    const bytes = Buffer.from(`${JSON.stringify(isReleased ? { ...content, isReleased } : content)}\n`);
    try {
      await this.#store.put(pruneLeaseKey(number), bytes, { ifAbsent: true, signal });
    } catch (error) {
      if (!(error instanceof AlreadyExistsError)) throw error;
      const stored = await readIfThere(this.#store, pruneLeaseKey(number), { signal, maxBytes: MAX_BYTES });
      if (stored === undefined || !stored.equals(bytes)) return false;
    }
    this.#number = number;
    this.#expiresMs = expiresMs;
    return true;
  }

  async #confirmHighest(): Promise<void> {
    const highest = (await listNumbers(this.#store, this.#options)).at(-1);
    if (highest === this.#number) return;
    throw await this.#lost();
  }

  async #lost(): Promise<LockedError> {
    const content = (await this.#readHighest()) ?? (await this.#readHighest());
    if (content !== undefined && content.token !== this.#token) return lockedBy(this.#store, content);
    return new LockedError(`The lease of pruning at ${this.#store.description} could not be renewed in time`, {
      reason: "PruneLeaseLost",
      hint: "Nothing is lost; prune again when the store answers",
    });
  }

  /** For a message only. Undefined when it cannot be read, or is gone since it was listed: then its holder has renewed or released it. */
  async #readHighest(): Promise<PruneLeaseContent | undefined> {
    const highest = (await listNumbers(this.#store, this.#options)).at(-1);
    return highest === undefined ? undefined : readLease(this.#store, highest, this.#options).catch(() => undefined);
  }
}

function isAlive({ expires, isReleased }: PruneLeaseContent, now: Date): boolean {
  return !isReleased && now.getTime() < Date.parse(expires) + MARGIN_MS;
}

function lockedBy(store: ObjectStore, { holder, expires }: PruneLeaseContent): LockedError {
  return new LockedError(`"${holder}" prunes at ${store.description}; its lease ends at ${expires}`, {
    reason: "PruneUnderWay",
    hint: "Wait for it; a lease whose holder died is taken over five minutes after its end",
    facts: { holder, expires },
  });
}

async function listNumbers(store: ObjectStore, { signal }: StoreOptions): Promise<number[]> {
  const numbers: number[] = [];
  for await (const { key } of store.list(PRUNE_LEASES_PREFIX, { signal })) {
    const number = parsePruneLeaseKey(key);
    if (number !== undefined) numbers.push(number);
  }
  return numbers.sort((a, b) => a - b);
}

/** Undefined when it is gone. @throws IncompleteError when it cannot be read */
async function readLease(store: ObjectStore, number: number, { signal }: StoreOptions): Promise<PruneLeaseContent | undefined> {
  const key = pruneLeaseKey(number);
  const bytes = await readIfThere(store, key, { signal, maxBytes: MAX_BYTES });
  if (bytes === undefined) return undefined;
  try {
    return schema.parse(JSON.parse(bytes.toString()));
  } catch (error) {
    throw new IncompleteError(`Cannot tell who holds "${key}" at ${store.description}: ${describeError(error)}`, {
      reason: "LeaseUnreadable",
      hint: "Delete this object once nobody prunes",
      cause: error,
    });
  }
}
