/** How many shards, or parts of shards, are read at once, over all indices of a run; fewer while the server is too busy. */
export class ReadLimit {
  readonly concurrency: number;

  constructor(concurrency: number) {
    this.concurrency = concurrency;
  }
}
