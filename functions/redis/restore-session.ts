import type { Log, Progress } from "../../runner/function.ts";
import { EVENT } from "./rdb-events.ts";
import { RdbWalker } from "./rdb-walker.ts";
import { RedisReplyError } from "./redis-error.ts";
import type { RespLink } from "./resp-link.ts";
import type { Reply } from "./resp-replies.ts";
import { assertDatabasesMet } from "./restore-databases.ts";
import { type KeyCounts, readKeyspace } from "./restore-key-counts.ts";
import { assertLibrariesPresent, type LibraryTally, restoreLibraries } from "./restore-libraries.ts";
import { LongValues } from "./restore-long-values.ts";
import { type DatabaseCheck, findDifferences } from "./restore-postflight.ts";
import { notEmpty, type RestorableFile } from "./restore-preflight.ts";
import { refusalOf } from "./restore-refusal.ts";
import type { RestorePolicy, RestoreTally } from "./restore-tally.ts";
import { RestoreWriter } from "./restore-writer.ts";
import { parseInfo } from "./server-info.ts";

export interface SessionParts {
  readonly link: RespLink;
  readonly tally: RestoreTally;
  readonly policy: RestorePolicy;
  /** The databases to write; undefined for all, and for the function libraries. */
  readonly chosen: ReadonlySet<number> | undefined;
  readonly description: string;
  readonly maxBulkBytes: number;
  /** Called once, when the file has told what it is and before the first write; it throws when there should be none. */
  readonly preflight: (file: RestorableFile) => Promise<void>;
  /** The target's clock. */
  readonly serverNow: () => number;
  readonly totalBytes: number | undefined;
  readonly log: Log;
  warn(reason: string, message: string): void;
  progress(progress: Progress): void;
}

/** One pass over an RDB file, from its bytes to the target's replies. */
export class RestoreSession {
  readonly libraries: LibraryTally = { restored: [], skipped: [] };
  readonly #parts: SessionParts;
  readonly #walker: RdbWalker;
  readonly #writer: RestoreWriter;
  readonly #longValues: LongValues;
  readonly #before = new Map<number, KeyCounts>();
  #pendingLibraries: Buffer[] = [];
  readonly #modulesWarnedOf = new Set<string>();
  #usedMemoryBytes: number | undefined;
  #isReady = false;
  /** Inside a database that is not to be written. */
  #isPassing = false;
  #database: number | undefined;
  #bytes = 0;

  constructor(parts: SessionParts) {
    this.#parts = parts;
    const { link, policy } = parts;
    this.#walker = new RdbWalker(link.input);
    this.#writer = new RestoreWriter(link, { replaces: policy === "replace" });
    this.#longValues = new LongValues({ ...parts, walker: this.#walker, writer: this.#writer });
  }

  /** Resolves when the whole file was sent and every reply has come. */
  async restore(chunks: AsyncIterable<Buffer>): Promise<void> {
    try {
      await this.#restore(chunks);
    } catch (error) {
      await this.#longValues.abandon();
      throw error;
    }
  }

  async #restore(chunks: AsyncIterable<Buffer>): Promise<void> {
    const { link, tally } = this.#parts;
    for await (const chunk of chunks) {
      for (let at = 0; at < chunk.length; ) {
        at += this.#walker.fill(chunk, at);
        for (let event = this.#walker.next(); event !== EVENT.needInput; event = this.#walker.next()) {
          if (event === EVENT.record && this.#tryRecord()) continue;
          await this.#handle(event);
        }
      }
      this.#bytes += chunk.length;
      link.flush();
      this.#reportProgress();
    }
    this.#walker.finish();
    if (!this.#isReady) await this.#getReady({ hasFunctions: false });
    await this.#loadLibraries();
    await link.drain();
    if (tally.fatal !== undefined) throw this.#fatal(tally.fatal);
  }

  /** Compares the target with what it was given. @returns the checks made, the differences found, and how many keys the target has ever evicted */
  async check(): Promise<{ checks: DatabaseCheck[]; differences: string[]; evictedKeys: number | undefined }> {
    const { link, tally, policy, serverNow } = this.#parts;
    await assertLibrariesPresent(link, this.libraries.restored);
    const checks: DatabaseCheck[] = [];
    for (const [database, databaseTally] of tally.databases) {
      await this.#select(database);
      const after = await this.#countKeys(database);
      const before = this.#before.get(database) ?? { keys: 0, expires: undefined };
      checks.push({ database, before, after, tally: databaseTally, afterAtMs: serverNow() });
    }
    assertDatabasesMet(this.#parts.chosen, tally.databases);
    const differences = checks.flatMap((check) => findDifferences(check, policy));
    const counted = tally.restored + tally.expired + tally.skipped + tally.refusals;
    if (counted !== tally.met) differences.push(`${tally.met} keys are in the file, but ${counted} were answered`);
    const stats = parseInfo(String(await this.#askIfAllowed("INFO", "stats")))?.get("evicted_keys");
    return { checks, differences, evictedKeys: stats === undefined ? undefined : Number(stats) };
  }

  /** The way of most records. */
  #tryRecord(): boolean {
    const { tally, maxBulkBytes } = this.#parts;
    if (this.#isPassing) return true;
    const walker = this.#walker;
    if (this.#database === undefined || tally.fatal !== undefined) return false;
    if (walker.valueEnd - walker.valueStart > maxBulkBytes - 64 || !this.#writer.tryRestore(walker)) return false;
    tally.met += 1;
    return true;
  }

  async #handle(event: number): Promise<void> {
    const walker = this.#walker;
    const { tally } = this.#parts;
    if (tally.fatal !== undefined) {
      // What is on its way is answered first: the counts are then exact.
      if (!this.#longValues.isInsideCommand) await this.#parts.link.drain();
      throw this.#fatal(tally.fatal);
    }
    if (event === EVENT.header) return;
    if (event === EVENT.auxiliary) {
      if (walker.auxiliary[0] === "used-mem") this.#usedMemoryBytes = Number(walker.auxiliary[1]) || undefined;
      return;
    }
    if (event === EVENT.moduleAuxiliary) {
      return this.#warnOfModule(walker.module);
    }
    const takesLibraries = this.#parts.chosen === undefined;
    if (!this.#isReady) await this.#getReady({ hasFunctions: takesLibraries && event === EVENT.library });
    if (event === EVENT.library) {
      if (!takesLibraries) return;
      this.#pendingLibraries.push(Buffer.from(walker.buffer.subarray(walker.valueStart, walker.valueEnd)));
      return;
    }
    await this.#loadLibraries();
    if (event === EVENT.database) return this.#enter(walker.database);
    if (this.#database === undefined && !this.#isPassing) await this.#enter(0);
    if (this.#isPassing) return;
    if (event === EVENT.record || walker.partStart === 0) tally.met += 1;
    await this.#longValues.take(event);
  }

  #warnOfModule(module: string): void {
    if (this.#modulesWarnedOf.has(module)) return;
    this.#modulesWarnedOf.add(module);
    this.#parts.warn("ModuleDataNotRestored", `Module type ${module} keeps data beside its keys, which only a whole file restores`);
  }

  /** Functions come before all keys, so the first thing to be written tells whether there are any. */
  async #getReady({ hasFunctions }: { hasFunctions: boolean }): Promise<void> {
    await this.#parts.preflight({ header: this.#walker.header, usedMemoryBytes: this.#usedMemoryBytes, hasFunctions });
    this.#isReady = true;
  }

  async #loadLibraries(): Promise<void> {
    if (this.#pendingLibraries.length === 0) return;
    const { link, policy, description } = this.#parts;
    const values = this.#pendingLibraries;
    this.#pendingLibraries = [];
    const done = await restoreLibraries(values, { link, policy, rdbVersion: this.#walker.header.version, description });
    this.libraries.restored.push(...done.restored);
    this.libraries.skipped.push(...done.skipped);
  }

  /** Waits for every reply about the database before: a refused SELECT must not let keys fall into the wrong one. */
  async #enter(database: number): Promise<void> {
    const { link, tally, policy, description, chosen } = this.#parts;
    this.#isPassing = chosen !== undefined && !chosen.has(database);
    if (this.#isPassing) return;
    await link.drain();
    if (tally.fatal !== undefined) throw this.#fatal(tally.fatal);
    await this.#select(database);
    if (!this.#before.has(database)) {
      const before = await this.#countKeys(database);
      if (policy === "fail" && before.keys > 0) throw notEmpty(description, { [database]: before.keys });
      this.#before.set(database, before);
    }
    tally.enter(database);
    this.#database = database;
  }

  async #select(database: number): Promise<void> {
    await this.#ask("SELECT", String(database));
  }

  async #countKeys(database: number): Promise<KeyCounts> {
    const keyspace = await readKeyspace((...words) => this.#askIfAllowed(...words));
    const keys = Number(await this.#ask("DBSIZE"));
    if (keyspace === undefined) return { keys, expires: undefined };
    return keyspace.get(database) ?? { keys: 0, expires: 0 };
  }

  async #ask(...words: string[]): Promise<Reply> {
    const reply = await this.#parts.link.call(...words);
    if (reply instanceof RedisReplyError) throw refusalOf(reply, `run ${words[0]}`, this.#parts.description);
    return reply;
  }

  async #askIfAllowed(...words: string[]): Promise<Reply | undefined> {
    const reply = await this.#parts.link.call(...words);
    if (!(reply instanceof RedisReplyError)) return reply;
    if (reply.message.startsWith("NOPERM")) return undefined;
    throw refusalOf(reply, `run ${words[0]}`, this.#parts.description);
  }

  #fatal(reply: RedisReplyError): Error {
    const { tally, description } = this.#parts;
    const first = tally.firstRefused.find(({ error }) => error === reply.message) ?? tally.firstRefused[0];
    return refusalOf(reply, `restore key ${first?.key ?? "?"} of database ${first?.database ?? "?"}`, description);
  }

  #reportProgress(): void {
    const { progress, totalBytes, tally } = this.#parts;
    progress({ phase: "restore", bytes: this.#bytes, ...(totalBytes === undefined ? {} : { totalBytes }), items: tally.met });
  }
}
