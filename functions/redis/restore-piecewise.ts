import { DatabaseRefusedError } from "../../runner/errors.ts";
import { type Element, type Elements, elementsOf, type Family, familyOf } from "./rdb-elements.ts";
import { describeKey } from "./rdb-format.ts";
import { NEED, RdbInput } from "./rdb-input.ts";
import { RedisReplyError } from "./redis-error.ts";
import type { RespLink } from "./resp-link.ts";
import type { Reply } from "./resp-replies.ts";
import type { BatchResult, CommandBatch } from "./restore-command-batch.ts";
import { commandsFor } from "./restore-commands-for.ts";
import { refusalOf } from "./restore-refusal.ts";
import type { RestorePolicy, RestoreTally } from "./restore-tally.ts";

export interface PiecewiseParts {
  readonly link: RespLink;
  readonly tally: RestoreTally;
  readonly policy: RestorePolicy;
  readonly description: string;
  readonly maxBulkBytes: number;
  readonly serverNow: () => number;
  warn(reason: string, message: string): void;
}

export interface PiecewiseKey {
  readonly key: Buffer;
  readonly type: number;
  readonly isValkey: boolean;
  readonly expiresAtMs: number;
}

/**
 * While a key is written in pieces it expires by itself after this time, renewed with each piece: what an interrupted restore leaves behind
 * vanishes, and can be told from a key that somebody meant.
 */
const LEASE_MS = 600_000;
const WINDOW_BYTES = 512 * 1024;

const SIZE_COMMANDS: Readonly<Record<Family, string>> = {
  string: "STRLEN",
  list: "LLEN",
  set: "SCARD",
  "sorted set": "ZCARD",
  hash: "HLEN",
  stream: "XLEN",
};

/** Writes one value by commands that add to it, for values that no single command may carry. `start`, then `feed` its bytes, then `finish`. */
export class PiecewiseValue {
  readonly #parts: PiecewiseParts;
  readonly #key: PiecewiseKey;
  readonly #input = new RdbInput(Buffer.allocUnsafe(WINDOW_BYTES));
  readonly #elements: Elements;
  readonly #batch: CommandBatch;
  /** What the key's size must be in the end. */
  #size = 0;
  #isWriting = false;
  #hasWritten = false;

  constructor(key: PiecewiseKey, parts: PiecewiseParts) {
    this.#parts = parts;
    this.#key = key;
    this.#elements = elementsOf(this.#input, key.type, key.isValkey);
    this.#batch = commandsFor(familyOf(key.type), key.key);
  }

  /** Looks at what is there now, as the policy says. Afterwards nothing is written when the key is skipped, refused, or expired already. */
  async start(): Promise<void> {
    const { tally, policy, serverNow } = this.#parts;
    const { key, expiresAtMs } = this.#key;
    const left = Number(await this.#ask("PTTL", key));
    const exists = left !== -2;
    if (exists && policy !== "replace") return this.#leaveAlone(left);
    if (exists) await this.#ask("UNLINK", key);
    if (expiresAtMs > 0 && expiresAtMs <= serverNow()) tally.accepted(expiresAtMs);
    else this.#isWriting = true;
  }

  async feed(value: Uint8Array): Promise<void> {
    for (let at = 0; this.#isWriting && at < value.length; ) {
      this.#input.keep = this.#input.position;
      at += this.#input.fill(value, at).taken;
      await this.#takeElements();
    }
  }

  async finish(): Promise<void> {
    if (!this.#isWriting) return;
    await this.#send();
    await this.#assertSize();
    const { key, expiresAtMs } = this.#key;
    const { tally } = this.#parts;
    const sealed = expiresAtMs > 0 ? await this.#ask("PEXPIREAT", key, expiresAtMs) : await this.#ask("PERSIST", key);
    if (sealed === 1) return tally.accepted(expiresAtMs);
    // A hash whose fields have all expired is gone, as it would be at the source.
    if (!this.#batch.mayVanish || (await this.#ask("EXISTS", key)) !== 0) throw this.#changed("its expiry time could not be set");
    tally.accepted(1);
  }

  /** Somebody else's additions show in the size alone: the server counts what is new, not what is there. */
  async #assertSize(): Promise<void> {
    const { key, type } = this.#key;
    const family = familyOf(type);
    if (family === undefined) return;
    const size = Number(await this.#ask(SIZE_COMMANDS[family], key));
    const isRight = this.#batch.mayVanish ? size <= this.#size : size === this.#size;
    if (!isRight) throw this.#changed(`its size is ${size} instead of ${this.#size}`);
  }

  async #takeElements(): Promise<void> {
    for (let step = this.#elements.next(); !step.done; step = this.#elements.next()) {
      if (step.value === NEED) return;
      if (!this.#fits(step.value))
        return this.#giveUp(`ERR it holds an element longer than the target takes (proto-max-bulk-len ${this.#parts.maxBulkBytes})`);
      this.#batch.add(step.value);
      this.#size += sizeOf(step.value);
      if (this.#batch.isFull) await this.#send();
    }
  }

  #fits(element: Element): boolean {
    const { maxBulkBytes } = this.#parts;
    if (element.kind === "item") return element.item.length <= maxBulkBytes;
    if (element.kind === "member") return element.member.length <= maxBulkBytes;
    if (element.kind === "field") return element.field.length <= maxBulkBytes && element.value.length <= maxBulkBytes;
    return element.kind !== "entry" || element.words.every((word) => word.length <= maxBulkBytes);
  }

  /** Sends what was gathered in one transaction with the renewed lease, and checks every reply. */
  async #send(): Promise<void> {
    const { link } = this.#parts;
    const { key } = this.#key;
    const commands = this.#batch.take();
    if (commands.length === 0) return;
    const answers: Promise<Reply>[] = [];
    answers.push((await link.send(["MULTI"])).answer);
    for (const { words } of commands) answers.push((await link.send(words)).answer);
    answers.push((await link.send(["PEXPIRE", key, LEASE_MS])).answer);
    const execution = await link.send(["EXEC"]);
    link.flush();
    this.#hasWritten = true;
    for (const answer of answers) this.#assertNoError(await answer);
    const results = await execution.answer;
    this.#assertNoError(results);
    if (!Array.isArray(results)) throw this.#changed("a transaction was not executed");
    for (const [index, command] of commands.entries()) {
      const result = results[index] as Reply;
      this.#assertNoError(result);
      const verdict: BatchResult = command.check(result);
      if (verdict.kind === "changed") throw this.#changed(verdict.what);
      if (verdict.kind === "lost") this.#parts.warn("PendingEntriesLost", `${verdict.what} of key ${describeKey(key)}`);
    }
  }

  #leaveAlone(left: number): void {
    const { tally, policy, serverNow } = this.#parts;
    const { key, expiresAtMs } = this.#key;
    const isOwnExpiry = Math.abs(serverNow() + left - expiresAtMs) < 5_000;
    if (policy === "skip" && left >= 0 && left <= LEASE_MS && !isOwnExpiry) {
      const seconds = Math.ceil(left / 1000);
      tally.refuse(
        key,
        `ERR it looks like the rest of an interrupted restore, which vanishes in ${seconds} s: delete it, or wait, and restore again`,
      );
    } else tally.refused(new RedisReplyError("BUSYKEY Target key name already exists."), key);
  }

  /** This key cannot be restored; the others can. */
  async #giveUp(why: string): Promise<void> {
    this.#isWriting = false;
    await this.#removeRest();
    this.#parts.tally.refuse(this.#key.key, why);
  }

  async #removeRest(): Promise<void> {
    if (this.#hasWritten) await this.#parts.link.call("UNLINK", this.#key.key);
  }

  /** After an error in the middle: removes what is there of the key, as far as the link still allows. The lease does it otherwise. */
  async abandon(): Promise<void> {
    this.#isWriting = false;
    await this.#removeRest();
  }

  async #ask(...words: (string | number | Uint8Array)[]): Promise<Reply> {
    const reply = await this.#parts.link.call(...words);
    this.#assertNoError(reply);
    return reply;
  }

  #assertNoError(reply: Reply): void {
    if (!(reply instanceof RedisReplyError)) return;
    const { tally, description } = this.#parts;
    tally.refuse(this.#key.key, reply.message);
    throw refusalOf(reply, `restore key ${describeKey(this.#key.key)} in pieces`, description);
  }

  #changed(what: string): DatabaseRefusedError {
    const { description, tally } = this.#parts;
    tally.refuse(this.#key.key, `ERR changed meanwhile: ${what}`);
    return new DatabaseRefusedError(
      `Cannot restore key ${describeKey(this.#key.key)} at ${description}: somebody else changed it meanwhile (${what})`,
      { reason: "KeyChanged", hint: "Keep other clients from writing to the target while it is restored" },
    );
  }
}

/** How much an element adds to the size that the server tells. */
function sizeOf(element: Element): number {
  if (element.kind === "piece") return element.bytes.length;
  return element.kind === "item" || element.kind === "member" || element.kind === "field" || element.kind === "entry" ? 1 : 0;
}
