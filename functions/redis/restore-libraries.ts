import { DatabaseRefusedError, IncompleteError } from "../../runner/errors.ts";
import { Crc64 } from "./crc64.ts";
import { OPCODE } from "./rdb-format.ts";
import { RdbInput } from "./rdb-input.ts";
import { readString } from "./rdb-read.ts";
import { RedisReplyError } from "./redis-error.ts";
import type { RespLink } from "./resp-link.ts";
import { refusalOf } from "./restore-refusal.ts";
import type { RestorePolicy } from "./restore-tally.ts";

export interface LibraryTally {
  readonly restored: string[];
  readonly skipped: string[];
}

/**
 * Loads function libraries, given as they stand in the file. They go before the keys: in the file they come first, and a collision is then known
 * before a key is written. "fail" and "replace" are all or nothing; "skip" goes one by one and leaves libraries of the same name alone.
 * @throws DatabaseRefusedError
 */
export async function restoreLibraries(
  values: readonly Buffer[],
  options: { readonly link: RespLink; readonly policy: RestorePolicy; readonly rdbVersion: number; readonly description: string },
): Promise<LibraryTally> {
  const { link, policy, rdbVersion, description } = options;
  const tally: LibraryTally = { restored: [], skipped: [] };
  const mode = policy === "replace" ? "REPLACE" : "APPEND";
  for (const group of policy === "skip" ? values.map((value) => [value]) : [values]) {
    const names = group.map(libraryName);
    const reply = await link.call("FUNCTION", "RESTORE", libraryPayload(group, rdbVersion), mode);
    if (!(reply instanceof RedisReplyError)) tally.restored.push(...names);
    else if (policy === "skip" && /^ERR Library .* already exists/.test(reply.message)) tally.skipped.push(...names);
    else throw libraryRefusal(reply, names, description);
  }
  return tally;
}

/** @throws IncompleteError when a library that was restored is not there */
export async function assertLibrariesPresent(link: RespLink, restored: readonly string[]): Promise<void> {
  if (restored.length === 0) return;
  const reply = await link.call("FUNCTION", "LIST");
  const present = new Set(Array.isArray(reply) ? reply.map((library) => String(Array.isArray(library) ? library[1] : library)) : []);
  const missing = restored.filter((name) => !present.has(name));
  if (missing.length > 0)
    throw new IncompleteError(`Function libraries are missing after the restore: ${missing.join(", ")}`, { reason: "FunctionsMissing" });
}

function libraryRefusal(reply: RedisReplyError, names: readonly string[], description: string) {
  if (!/already exists/.test(reply.message)) return refusalOf(reply, `restore the function libraries ${names.join(", ")}`, description);
  return new DatabaseRefusedError(`Cannot restore the function libraries ${names.join(", ")} at ${description}: ${reply.message}`, {
    reason: "FunctionsExist",
    hint: "--policy skip keeps libraries that exist, --policy replace overwrites them",
    cause: reply,
  });
}

function libraryPayload(values: readonly Buffer[], rdbVersion: number): Buffer {
  const version = Buffer.of(rdbVersion & 0xff, rdbVersion >> 8);
  const body = Buffer.concat([...values.flatMap((value) => [Buffer.of(OPCODE.function2), value]), version]);
  const crc = new Crc64();
  crc.update(body);
  const footer = Buffer.alloc(8);
  footer.writeBigUInt64LE(crc.value());
  return Buffer.concat([body, footer]);
}

/** The name is in the first line: "#!lua name=sample". */
function libraryName(value: Buffer): string {
  const input = new RdbInput(value);
  input.end = value.length;
  const code = readString(input).next().value;
  const firstLine = Buffer.isBuffer(code) ? code.toString().split("\n", 1)[0] : "";
  return /\bname=(\S+)/.exec(firstLine ?? "")?.[1] ?? "(without a name)";
}
