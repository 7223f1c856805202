// A world of actors over one store in memory, where every store operation waits for its turn. The seed decides who is next, what fails, who dies,
// and how time passes; clocks of actors differ by minutes.
import { jest } from "@jest/globals";
import { StoreUnavailableError } from "../../../runner/errors.ts";
import { MemoryStore } from "../../../runner/storage/memory-store.ts";
import type { GetOptions, ListedObject, ObjectStore, PutOptions, PutSource, StoreOptions } from "../../../runner/storage/object-store.ts";
import { readObject } from "../../../runner/storage/object-store.ts";
import { readSource } from "../../../runner/storage/read-source.ts";
import type { SeededRandom } from "../../tools/seeded-random.ts";

const MINUTE = 60_000;
const TOGETHER_MS = 6 * 60 * MINUTE;
const PAGE = 10;
/** An operation that waited longer has been given up by its store. */
const PATIENCE_MS = { delete: 2 * MINUTE, others: 10 * MINUTE };

interface Turn {
  readonly actor: Actor;
  readonly what: string;
  readonly isRenewal: boolean;
  readonly issuedMs: number;
  readonly patienceMs: number;
  /** Carries it out, or a part; then `before` happens; with `error`, the answer is that. */
  run(how: "whole" | "partly" | "not", options?: { error?: Error; before?: () => Promise<void> }): Promise<void>;
}

export class World {
  readonly random: SeededRandom;
  readonly bucket = new Map<string, Uint8Array>();
  readonly actors: Actor[] = [];
  nowMs = Date.parse("2030-01-01T00:00:00Z");
  steps = 0;
  crashes = 0;
  failures = 0;
  /** The last operations. */
  readonly #trace: { atMs: number; actor: string; what: string; fate: string }[] = [];
  /** No crash, no failure, no pause: for the end. */
  isCalm = false;
  readonly #turns: Turn[] = [];
  /** Answers that are on their way. */
  readonly #late: { readonly atMs: number; resolve(): void }[] = [];

  constructor(random: SeededRandom) {
    this.random = random;
  }

  spawn(name: string, script: (actor: Actor) => Promise<void>): void {
    const actor = new Actor(this, name, (this.random.below(9) - 4) * MINUTE);
    this.actors.push(actor);
    actor.start(script);
  }

  /** One step: an operation, or a while that passes. Resolves once everybody waits again. */
  async step(): Promise<void> {
    this.steps += 1;
    await this.#settle();
    this.#forgetFinished();
    const { random } = this;
    if (this.#turns.length === 0 || (!this.isCalm && random.oneIn(400))) return this.#pass(this.#longWhile());
    const turn = this.#turns.splice(random.below(this.#turns.length), 1)[0] as Turn;
    await this.#take(turn);
    await this.#pass(random.oneIn(40) ? random.below(90_000) : random.below(1000));
  }

  /** What was done last, for whoever has to understand a failure. */
  describe(): string {
    return this.#trace.map(({ atMs, actor, what, fate }) => `${new Date(atMs).toISOString()} ${actor} ${what}${fate}`).join("\n");
  }

  issue(turn: Turn): void {
    this.#turns.push(turn);
  }

  withdraw(turn: Turn): void {
    const index = this.#turns.indexOf(turn);
    if (index >= 0) this.#turns.splice(index, 1);
  }

  async #take(turn: Turn): Promise<void> {
    const { random } = this;
    const { actor } = turn;
    const isCrash = !this.isCalm && random.oneIn(250);
    const isFailure = !this.isCalm && random.oneIn(250);
    const how = isCrash || isFailure ? (["whole", "partly", "not"] as const)[random.below(3)] : "whole";
    this.#note(turn, isCrash ? " †" : isFailure ? " !" : "");
    if (isCrash) this.#kill(actor);
    if (this.nowMs - turn.issuedMs > turn.patienceMs) await turn.run("not", { error: new StoreUnavailableError("No answer in time") });
    else if (isFailure) await turn.run(how ?? "not", { error: new StoreUnavailableError("The connection broke") });
    // As when a machine was put to sleep: it is carried out, and its process hears of it much later.
    else if (!this.isCalm && !isCrash && random.oneIn(100))
      void turn.run("whole", { before: () => this.#later(random.below(2 * 60 * MINUTE)) });
    else await turn.run(how ?? "not");
    this.failures += isFailure ? 1 : 0;
    await this.#settle();
  }

  #later(ms: number): Promise<void> {
    return new Promise((resolve) => this.#late.push({ atMs: this.nowMs + ms, resolve }));
  }

  #note({ actor, what }: Turn, fate: string): void {
    this.#trace.push({ atMs: this.nowMs, actor: actor.name, what, fate });
    if (this.#trace.length > 300) this.#trace.shift();
  }

  /** From now on nobody hears of it, and nothing that it waits for comes. */
  #kill(actor: Actor): void {
    this.crashes += 1;
    actor.isDead = true;
    for (const turn of this.#turns.filter((each) => each.actor === actor)) this.withdraw(turn);
  }

  #longWhile(): number {
    const asleep = this.actors.flatMap(({ wakesAtMs }) => (wakesAtMs === undefined ? [] : [wakesAtMs]));
    const due = [...asleep, ...this.#late.map(({ atMs }) => atMs)];
    const untilNext = due.length === 0 ? 0 : Math.min(...due) - this.nowMs;
    return this.random.oneIn(6) ? this.random.below(12 * 60 * MINUTE) : Math.max(untilNext, this.random.below(2 * MINUTE));
  }

  /** Renewals come due once in each piece of a long while; in an outage they fail. */
  async #pass(ms: number): Promise<void> {
    const isOutage = !this.isCalm && this.random.oneIn(25);
    for (let left = ms; left > 0; left -= 20 * MINUTE) {
      const piece = Math.min(left, 20 * MINUTE);
      this.nowMs += piece;
      jest.advanceTimersByTime(Math.min(piece, MINUTE));
      await this.#settle();
      if (ms > 5 * MINUTE) await this.#renewAll(isOutage);
    }
    // One after the other, each until it waits again: else the seed would not decide alone.
    for (const actor of [...this.actors]) {
      if (actor.wakesAtMs === undefined || actor.wakesAtMs > this.nowMs) continue;
      actor.wake();
      await this.#settle();
    }
    for (const answer of this.#late.filter(({ atMs }) => atMs <= this.nowMs)) {
      this.#late.splice(this.#late.indexOf(answer), 1);
      answer.resolve();
      await this.#settle();
    }
  }

  async #settle(): Promise<void> {
    await turnOfTheLoop();
    for (const actor of this.actors) await actor.parked();
  }

  async #renewAll(isOutage: boolean): Promise<void> {
    for (const turn of this.#turns.filter(({ isRenewal }) => isRenewal)) {
      this.withdraw(turn);
      this.#note(turn, isOutage ? " !" : "");
      if (isOutage) await turn.run("not", { error: new StoreUnavailableError("The store is out of reach") });
      else await turn.run("whole");
      await turnOfTheLoop();
    }
  }

  #forgetFinished(): void {
    for (const actor of this.actors.filter(({ isDead, isDone }) => isDead || isDone)) this.actors.splice(this.actors.indexOf(actor), 1);
  }
}

export class Actor {
  readonly name: string;
  readonly world: World;
  readonly store: ObjectStore;
  isDead = false;
  isDone = false;
  wakesAtMs: number | undefined;
  wake: () => void = () => undefined;
  /** Operations that its script waits for: not those of timers. */
  waiting = 0;
  readonly #skewMs: number;
  #failure: unknown;

  constructor(world: World, name: string, skewMs: number) {
    this.world = world;
    this.name = name;
    this.#skewMs = skewMs;
    this.store = new TurnStore(this, new MemoryStore({ bucket: world.bucket }));
  }

  /** By its own clock. */
  now = (): Date => new Date(this.world.nowMs + this.#skewMs);

  start(script: (actor: Actor) => Promise<void>): void {
    script(this).then(
      () => this.#end(),
      (error: unknown) => this.#end(error),
    );
  }

  /** Does nothing until so much time has passed and, unless it stays `apart`, the next moment around which all wake: that is where races are. */
  async sleep(ms: number, options: { apart?: boolean } = {}): Promise<void> {
    const wakesAtMs = this.world.nowMs + ms;
    this.wakesAtMs = options.apart ? wakesAtMs : Math.ceil(wakesAtMs / TOGETHER_MS) * TOGETHER_MS + this.world.random.below(90_000);
    await new Promise<void>((resolve) => {
      this.wake = resolve;
    });
    this.wakesAtMs = undefined;
  }

  /** Resolves when its script waits for the world; rejects with what the script failed with. */
  async parked(): Promise<void> {
    const deadline = performance.now() + 20_000;
    while (!this.#isParked()) {
      if (performance.now() > deadline) throw new Error(`Actor "${this.name}" waits for nothing that the model knows`);
      await turnOfTheLoop();
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  #isParked(): boolean {
    return this.isDead || this.isDone || this.wakesAtMs !== undefined || this.waiting > 0;
  }

  #end(error?: unknown): void {
    this.isDone = true;
    this.#failure = error;
  }
}

/** The store as one actor sees it. */
class TurnStore implements ObjectStore {
  readonly description = "model";
  readonly #actor: Actor;
  readonly #inner: MemoryStore;

  constructor(actor: Actor, inner: MemoryStore) {
    this.#actor = actor;
    this.#inner = inner;
  }

  async put(key: string, source: PutSource, options: PutOptions = {}) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of readSource(source, options.signal)) chunks.push(Buffer.from(chunk));
    const isRenewal = key.startsWith("holdfast/leases/backup-") && !options.ifAbsent;
    const { ifAbsent = false } = options;
    return this.#turn(`put ${key}`, { ...options, isRenewal }, () => this.#inner.put(key, Buffer.concat(chunks), { ifAbsent }));
  }

  async *get(key: string, options: GetOptions = {}) {
    yield await this.#turn(`get ${key}`, options, () => readObject(this.#inner, key));
  }

  stat(key: string, options: StoreOptions = {}) {
    return this.#turn(`stat ${key}`, options, () => this.#inner.stat(key));
  }

  /** A page at a time, as stores answer. */
  async *list(prefix: string, options: StoreOptions = {}) {
    for (let after = ""; ; ) {
      const page = await this.#turn(`list ${prefix} after "${after}"`, options, async () => {
        const { bucket } = this.#actor.world;
        const keys = [...bucket.keys()].filter((key) => key.startsWith(prefix) && key > after).sort();
        return keys.slice(0, PAGE).map((key): ListedObject => ({ key, size: bucket.get(key)?.length ?? 0 }));
      });
      yield* page;
      if (page.length < PAGE) return;
      after = page.at(-1)?.key as string;
    }
  }

  delete(keys: readonly string[], options: StoreOptions = {}) {
    const some = keys.filter(() => this.#actor.world.random.oneIn(2));
    const partly = async () => this.#inner.delete(some);
    return this.#turn(`delete ${keys.join(" ")}`, { ...options, partly, patienceMs: PATIENCE_MS.delete }, () => this.#inner.delete(keys));
  }

  #turn<T>(
    what: string,
    options: StoreOptions & { isRenewal?: boolean; patienceMs?: number; partly?: () => Promise<void> },
    action: () => Promise<T>,
  ): Promise<T> {
    const actor = this.#actor;
    const { world } = actor;
    const { signal, isRenewal = false, patienceMs = PATIENCE_MS.others, partly } = options;
    // A dead process waits for ever.
    if (actor.isDead) return new Promise<never>(() => undefined);
    return new Promise<T>((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const once = (conclude: () => void) => {
        signal?.removeEventListener("abort", onAbort);
        if (!isRenewal) actor.waiting -= 1;
        if (!actor.isDead) conclude();
      };
      const turn: Turn = {
        actor,
        what,
        isRenewal,
        issuedMs: world.nowMs,
        patienceMs,
        async run(how, { error, before } = {}) {
          const work = how === "whole" ? action() : how === "partly" ? partly?.() : undefined;
          const [outcome] = await Promise.allSettled([work]);
          await before?.();
          once(() => {
            if (error !== undefined) reject(error);
            else if (outcome.status === "rejected") reject(outcome.reason);
            else resolve(outcome.value as T);
          });
        },
      };
      const onAbort = () => {
        world.withdraw(turn);
        once(() => reject(signal?.reason));
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      if (!isRenewal) actor.waiting += 1;
      world.issue(turn);
    });
  }
}

/** All that can go on without the store has gone on. */
async function turnOfTheLoop(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
