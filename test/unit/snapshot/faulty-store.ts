import { StoreUnavailableError } from "../../../runner/errors.ts";
import type { GetOptions, ObjectStore, PutOptions, PutSource, StoreOptions } from "../../../runner/storage/object-store.ts";

export interface Operation {
  readonly verb: "put" | "get" | "stat" | "list" | "delete";
  readonly key: string;
  /** Counts all operations from 0. */
  readonly index: number;
}

/** `fail`: nothing happens, an error is answered. `fail after`: it happens, and an error is answered. `hang`: no answer until the abort. `deaf`: not even then. */
export type Fault = "fail" | "fail after" | "hang" | "deaf" | undefined;

/** A store that fails where it is told to. */
export class FaultyStore implements ObjectStore {
  readonly description = "faulty";
  readonly operations: Operation[] = [];
  readonly #inner: ObjectStore;
  readonly #decide: (operation: Operation) => Fault;

  constructor(inner: ObjectStore, decide: (operation: Operation) => Fault) {
    this.#inner = inner;
    this.#decide = decide;
  }

  put(key: string, source: PutSource, options: PutOptions = {}) {
    return this.#run("put", key, options, () => this.#inner.put(key, source, options));
  }

  async *get(key: string, options: GetOptions = {}) {
    const fault = await this.#begin("get", key, options);
    yield* this.#inner.get(key, options);
    this.#end(fault);
  }

  stat(key: string, options: StoreOptions = {}) {
    return this.#run("stat", key, options, () => this.#inner.stat(key, options));
  }

  async *list(prefix: string, options: StoreOptions = {}) {
    const fault = await this.#begin("list", prefix, options);
    yield* this.#inner.list(prefix, options);
    this.#end(fault);
  }

  delete(keys: readonly string[], options: StoreOptions = {}) {
    return this.#run("delete", keys.join(), options, () => this.#inner.delete(keys, options));
  }

  async #run<T>(verb: Operation["verb"], key: string, options: StoreOptions, action: () => Promise<T>): Promise<T> {
    const fault = await this.#begin(verb, key, options);
    const answer = await action();
    this.#end(fault);
    return answer;
  }

  async #begin(verb: Operation["verb"], key: string, { signal }: StoreOptions): Promise<Fault> {
    const operation = { verb, key, index: this.operations.length };
    this.operations.push(operation);
    const fault = this.#decide(operation);
    if (fault === "fail") throw new StoreUnavailableError(`No answer to ${verb}`);
    if (fault === "deaf") await new Promise<never>(() => undefined);
    if (fault === "hang") {
      await new Promise<never>((_, reject) => {
        if (signal?.aborted) reject(signal.reason);
        signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
      });
    }
    return fault;
  }

  #end(fault: Fault): void {
    if (fault === "fail after") throw new StoreUnavailableError("The answer was lost");
  }
}
