// lease: the right to be the one operator that works. It lowers the odds of two, no more: a paused process may write late, so every write is safe with two.
import type { LiveObject } from "../objects.ts";
import type { ObjectsApi } from "../objects-api.ts";
import { type Clock, sleep } from "./clock.ts";
import { holderOf, LeaseWatch, newLease, releasedLease, renewedLease } from "./lease-record.ts";
import { LinkedAbort } from "./linked-abort.ts";

export interface LeaseOptions {
  readonly namespace: string;
  readonly name: string;
  /** Of this very process, and of no other that is or was. */
  readonly identity: string;
  readonly clock: Clock;
  /** Ends waiting for the lease. One that is held outlasts it, until it is released: what ends orderly is still under its protection. */
  readonly signal: AbortSignal;
  /** Called once, when it could not be renewed in time or is another's: nothing may be written any more, the process has to end at once. */
  readonly onLost: (reason: string) => void;
  /** Why it could not be had or renewed this time; tried again. */
  readonly problem?: ((error: unknown) => void) | undefined;
  /** Told whenever it is waited for another holder. */
  readonly waiting?: ((holder: string) => void) | undefined;
  /** Others take over when it was not renewed for so long: 15 s when absent. */
  readonly durationMs?: number | undefined;
  /** It is lost when it could not be renewed for so long: 10 s when absent. */
  readonly renewDeadlineMs?: number | undefined;
  /** Between two tries: 2 s when absent. */
  readonly periodMs?: number | undefined;
}

export interface HeldLease extends AsyncDisposable {
  /** Whether nobody else can have it now. Asked before a write, it stops a process that was paused. */
  readonly isHeld: boolean;
  /** Gives it back, so that the next one need not wait. It does not throw: one that cannot be given back runs out. */
  release(): Promise<void>;
}

type LeaseApi = Pick<ObjectsApi, "get" | "create" | "replace">;

/** Resolves once the lease is ours, and keeps it from then on. @throws the signal's reason */
export async function holdLease(api: LeaseApi, options: LeaseOptions): Promise<HeldLease> {
  const lease = new Lease(api, options);
  await lease.acquire();
  return lease;
}

class Lease implements HeldLease {
  readonly #api: LeaseApi;
  readonly #options: LeaseOptions & { readonly durationMs: number };
  readonly #renewDeadlineMs: number;
  readonly #periodMs: number;
  readonly #others: LeaseWatch;
  readonly #stop = new AbortController();
  /** As it was last written or read. */
  #lease: LiveObject | undefined;
  /** When the last write that succeeded was begun. */
  #renewedMs = Number.NEGATIVE_INFINITY;
  #deadline: Disposable | undefined;
  #keeping: Promise<void> = Promise.resolve();
  #releasing: Promise<void> | undefined;
  #waitedFor = "";

  constructor(api: LeaseApi, options: LeaseOptions) {
    this.#api = api;
    this.#options = { ...options, durationMs: options.durationMs ?? 15_000 };
    this.#renewDeadlineMs = options.renewDeadlineMs ?? 10_000;
    this.#periodMs = options.periodMs ?? 2_000;
    this.#others = new LeaseWatch(this.#options);
  }

  get isHeld(): boolean {
    return !this.#stop.signal.aborted && this.#options.clock.monotonicMs() - this.#renewedMs < this.#renewDeadlineMs;
  }

  async acquire(): Promise<void> {
    const { clock, signal } = this.#options;
    while ((await this.#try(signal)) !== "ours") await sleep(clock, this.#periodMs, signal);
    this.#keeping = this.#keep();
  }

  release(): Promise<void> {
    this.#releasing ??= this.#giveBack();
    return this.#releasing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }

  async #keep(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      // It throws nothing but the signal's reason, which ends the loop.
      await sleep(this.#options.clock, this.#periodMs, signal).catch(() => undefined);
      if (signal.aborted) return;
      if ((await this.#try(signal)) === "taken") this.#lose("another operator holds it");
    }
  }

  /** One attempt to write it as ours. "unknown": there was no answer, or somebody else wrote in between; an answer that comes too late counts as none. */
  async #try(signal: AbortSignal): Promise<"ours" | "taken" | "unknown"> {
    const { clock } = this.#options;
    const startedMs = clock.monotonicMs();
    using abort = new LinkedAbort(signal);
    // Shorter than the deadline, so that one request that hangs does not lose the lease.
    using _timer = clock.setTimer(this.#renewDeadlineMs / 2, () => abort.abort(new Error("The Kubernetes API does not answer in time")));
    try {
      const outcome = await this.#write(abort.signal);
      if (outcome === "ours") this.#renewed(startedMs);
      return outcome;
    } catch (error) {
      if (!signal.aborted) this.#options.problem?.(error);
      return "unknown";
    }
  }

  async #write(signal: AbortSignal): Promise<"ours" | "taken" | "unknown"> {
    const { namespace, name } = this.#options;
    const former = this.#lease ?? (await this.#api.get("Lease", { namespace, name }, { signal }));
    // Whatever comes now, what is there is read anew next time unless this succeeds.
    this.#lease = undefined;
    if (former !== undefined && !this.#others.mayTake(former)) {
      this.#waitFor(holderOf(former));
      return "taken";
    }
    const written =
      former === undefined
        ? await this.#api.create(newLease(this.#options), { signal })
        : await this.#api.replace(renewedLease(former, this.#options), { signal });
    if (typeof written === "string") return "unknown";
    this.#lease = written;
    return "ours";
  }

  #waitFor(holder: string): void {
    if (holder !== this.#waitedFor) this.#options.waiting?.(holder);
    this.#waitedFor = holder;
  }

  #renewed(startedMs: number): void {
    const { clock } = this.#options;
    this.#renewedMs = startedMs;
    this.#deadline?.[Symbol.dispose]();
    if (this.#stop.signal.aborted) return;
    const leftMs = Math.max(0, startedMs + this.#renewDeadlineMs - clock.monotonicMs());
    this.#deadline = clock.setTimer(leftMs, () => this.#lose(`it could not be renewed for ${this.#renewDeadlineMs / 1000} s`));
  }

  #lose(reason: string): void {
    if (this.#stop.signal.aborted) return;
    this.#stop.abort();
    this.#deadline?.[Symbol.dispose]();
    this.#options.onLost(reason);
  }

  async #giveBack(): Promise<void> {
    const { clock, namespace, name, identity, problem } = this.#options;
    this.#stop.abort();
    this.#deadline?.[Symbol.dispose]();
    await this.#keeping;
    const tooLate = new AbortController();
    using _timer = clock.setTimer(this.#renewDeadlineMs / 2, () => tooLate.abort(new Error("The Kubernetes API does not answer in time")));
    try {
      // Read anew: the last renewal may have been written although its answer was lost.
      const lease = await this.#api.get("Lease", { namespace, name }, { signal: tooLate.signal });
      if (lease === undefined || holderOf(lease) !== identity) return;
      await this.#api.replace(releasedLease(lease, clock), { signal: tooLate.signal });
    } catch (error) {
      problem?.(error);
    }
  }
}
