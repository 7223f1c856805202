// lease: says that a backup is running, so that pruning leaves its objects alone. FORMAT.md, "Leases".
import * as z from "zod";
import { describeError } from "../errors.ts";
import { AlreadyExistsError, type ObjectStore } from "../storage/object-store.ts";
import { backupLeaseKey, isSnapshotId } from "./object-keys.ts";

const LIFETIME_MS = 60 * 60 * 1000;
const RENEWAL_MS = 60 * 1000;
/** The backup gives its lease up this long before its end, others believe in it this long after: clocks may differ by the sum. */
const MARGIN_MS = 15 * 60 * 1000;

const schema = z.object({ holder: z.string(), expires: z.iso.datetime(), bases: z.array(z.string().refine(isSnapshotId)) });
/** What a lease object says; `bases` are snapshots whose objects the new one may name. */
export type BackupLeaseContent = z.infer<typeof schema>;

export interface LeaseOptions {
  readonly holder: string;
  readonly signal: AbortSignal;
  readonly now: () => Date;
  /** Snapshots under whose ids lie objects that the new one may name. */
  readonly bases?: readonly string[];
  warn(reason: string, message: string): void;
}

export interface BackupLease {
  /** True when a renewal once failed for so long that others may have taken the backup for dead; it stays so. */
  hasLapsed(): boolean;
  /** Stops renewing, waits for a renewal under way, and leaves the lease to end by itself. */
  leave(): Promise<void>;
  /** Stops renewing, waits for a renewal under way, and removes the lease. */
  remove(signal: AbortSignal): Promise<void>;
}

/** Writes the lease of a running backup and renews it each minute; a renewal that fails is warned of and tried again. */
export async function takeBackupLease(store: ObjectStore, id: string, options: LeaseOptions): Promise<BackupLease> {
  const lease = new RenewedLease(store, id, options);
  await lease.start();
  return lease;
}

/** Whether the backup must be believed to be running. */
export function isAlive(lease: Pick<BackupLeaseContent, "expires">, now: Date): boolean {
  return now.getTime() < Date.parse(lease.expires) + MARGIN_MS;
}

/** Throws when the bytes are no lease. */
export function decodeBackupLease(bytes: Buffer): BackupLeaseContent {
  return schema.parse(JSON.parse(bytes.toString()));
}

class RenewedLease implements BackupLease {
  readonly #store: ObjectStore;
  readonly #key: string;
  readonly #options: LeaseOptions;
  readonly #stop = new AbortController();
  #expiresMs = Number.POSITIVE_INFINITY;
  #isLapsed = false;
  #timer: NodeJS.Timeout | undefined;
  #renewal: Promise<void> = Promise.resolve();

  constructor(store: ObjectStore, id: string, options: LeaseOptions) {
    this.#store = store;
    this.#key = backupLeaseKey(id);
    this.#options = options;
  }

  async start(): Promise<void> {
    const { signal } = this.#options;
    try {
      await this.#write({ ifAbsent: true, signal });
    } catch (error) {
      if (!(error instanceof AlreadyExistsError)) throw error;
      // The id is random: it is our own put, repeated after a lost answer.
      await this.#write({ signal });
    }
    this.#schedule();
  }

  hasLapsed(): boolean {
    // Kept in mind: a renewal that comes too late does not bring back what was pruned meanwhile.
    this.#isLapsed ||= this.#options.now().getTime() >= this.#expiresMs - MARGIN_MS;
    return this.#isLapsed;
  }

  async leave(): Promise<void> {
    clearTimeout(this.#timer);
    this.#stop.abort();
    await this.#renewal;
  }

  async remove(signal: AbortSignal): Promise<void> {
    // Else the renewal under way would write the lease again after its removal.
    await this.leave();
    await this.#store.delete([this.#key], { signal });
  }

  #schedule(): void {
    this.#timer = setTimeout(() => {
      this.#renewal = this.#renew();
    }, RENEWAL_MS);
    this.#timer.unref();
  }

  async #renew(): Promise<void> {
    try {
      await this.#write({ signal: AbortSignal.any([this.#stop.signal, AbortSignal.timeout(RENEWAL_MS)]) });
    } catch (error) {
      if (!this.#stop.signal.aborted) {
        this.#options.warn("LeaseNotRenewed", `Cannot renew "${this.#key}", trying again in a minute: ${describeError(error)}`);
      }
    }
    if (!this.#stop.signal.aborted) this.#schedule();
  }

  async #write(options: { ifAbsent?: boolean; signal: AbortSignal }): Promise<void> {
    const expiresMs = this.#options.now().getTime() + LIFETIME_MS;
    const { holder, bases = [] } = this.#options;
    const content: BackupLeaseContent = { holder, expires: new Date(expiresMs).toISOString(), bases: [...bases] };
    await this.#store.put(this.#key, Buffer.from(`${JSON.stringify(content)}\n`), options);
    this.hasLapsed();
    this.#expiresMs = expiresMs;
  }
}
