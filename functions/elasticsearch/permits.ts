/** So many things at once, in order of asking; the number may change at any time. */
export class Permits {
  #limit: number;
  #taken = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  get limit(): number {
    return this.#limit;
  }

  /** A lower limit takes nothing back: it counts once permits are returned. */
  set limit(limit: number) {
    this.#limit = limit;
    this.#serve();
  }

  /** Resolves with a permit, which is returned by disposing of it, once. @throws the signal's reason */
  async take(signal: AbortSignal): Promise<Disposable> {
    signal.throwIfAborted();
    if (this.#taken < this.#limit && this.#waiting.length === 0) this.#taken += 1;
    else await this.#wait(signal);
    let isReturned = false;
    return {
      [Symbol.dispose]: () => {
        if (isReturned) return;
        isReturned = true;
        this.#taken -= 1;
        this.#serve();
      },
    };
  }

  #wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const admit = () => {
        signal.removeEventListener("abort", leave);
        resolve();
      };
      const leave = () => {
        this.#waiting.splice(this.#waiting.indexOf(admit), 1);
        reject(signal.reason);
      };
      this.#waiting.push(admit);
      signal.addEventListener("abort", leave, { once: true });
    });
  }

  #serve(): void {
    while (this.#taken < this.#limit) {
      const admit = this.#waiting.shift();
      if (admit === undefined) return;
      this.#taken += 1;
      admit();
    }
  }
}
