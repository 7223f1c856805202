import type { Element } from "./rdb-elements.ts";
import { BATCH_BYTES, BATCH_WORDS, type CheckedCommand, type CommandBatch, expectNumber, type Word } from "./restore-command-batch.ts";

/** One command whose arguments are the elements. It answers how many are new, or how many (bytes) there are now in all. */
export class AddingBatch implements CommandBatch {
  readonly mayVanish = false;
  readonly #head: readonly Word[];
  readonly #answer: "length" | "total" | "added";
  #words: Word[] = [];
  #bytes = 0;
  #elements = 0;
  #total = 0;

  constructor(head: readonly Word[], answer: "length" | "total" | "added") {
    this.#head = head;
    this.#answer = answer;
  }

  get isFull(): boolean {
    // APPEND takes one piece at a time.
    return this.#bytes >= BATCH_BYTES || this.#words.length >= BATCH_WORDS || (this.#answer === "length" && this.#words.length > 0);
  }

  add(element: Element): void {
    const words: Word[] =
      element.kind === "piece"
        ? [element.bytes]
        : element.kind === "item"
          ? [element.item]
          : element.kind === "member"
            ? [element.score, element.member]
            : [];
    for (const word of words) this.#bytes += Buffer.byteLength(word as string | Uint8Array);
    this.#words.push(...words);
    this.#elements += 1;
  }

  take(): CheckedCommand[] {
    if (this.#words.length === 0) return [];
    const [name = ""] = this.#head;
    const gained = this.#answer === "length" ? this.#bytes : this.#elements;
    this.#total += gained;
    const expected = this.#answer === "added" ? gained : this.#total;
    const command = { words: [...this.#head, ...this.#words], check: expectNumber(expected, `${String(name)} answered`) };
    this.#words = [];
    this.#bytes = 0;
    this.#elements = 0;
    return [command];
  }
}
