import { DatabaseRefusedError } from "../../runner/errors.ts";
import { describeHeader, type RdbHeader } from "./rdb-format.ts";
import type { ServerInfo } from "./server-info.ts";

/** From which server version on payloads of an RDB version are taken; newest first. */
const REDIS: readonly (readonly [major: number, minor: number, rdbVersion: number])[] = [
  [8, 10, 15],
  [8, 8, 14],
  [8, 6, 13],
  [7, 4, 12],
  [7, 2, 11],
  [7, 0, 10],
  [5, 0, 9],
];

/**
 * Refuses a file whose payloads this server would not take, with both versions, and servers on which RESTORE lacks what we need.
 * @throws DatabaseRefusedError
 */
export function assertCanRestore(header: RdbHeader, server: Pick<ServerInfo, "flavour" | "version">): void {
  const newest = newestRdbVersion(server);
  const who = `${server.flavour} ${server.version}`;
  if (newest === undefined)
    throw new DatabaseRefusedError(`Cannot restore into ${who}: Redis 5.0, Valkey 7.2 or later is needed`, {
      reason: "TargetNotSupported",
    });
  if (acceptsVersion(header, server, newest)) return;
  throw new DatabaseRefusedError(
    `Cannot restore an RDB file of version ${describeHeader(header)} into ${who}, which reads up to ${newest}`,
    { reason: "RdbVersionTooNew", hint: "Restore into a server at least as new as the source, of the same kind" },
  );
}

/** As text, for people: "REDIS0010", or "REDIS0011 and VALKEY080". Undefined for servers we do not restore into. */
function newestRdbVersion({ flavour, version }: Pick<ServerInfo, "flavour" | "version">): string | undefined {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (flavour === "dragonfly") return undefined;
  if (flavour === "valkey") return major >= 9 ? "REDIS0011 and VALKEY080" : "REDIS0011";
  // KeyDB calls itself 6.x, and writes and reads what Redis 6 does.
  const row = REDIS.find(([atMajor, atMinor]) => major > atMajor || (major === atMajor && minor >= atMinor));
  return row && describeHeader({ flavour: "redis", version: row[2] });
}

/** Valkey reserves versions 12 to 79 as foreign, and nobody else reads its 80. */
function acceptsVersion(header: RdbHeader, server: Pick<ServerInfo, "flavour">, newest: string): boolean {
  if (header.flavour === "valkey") return newest.includes(describeHeader(header));
  return header.version <= (server.flavour === "valkey" ? 11 : Number(newest.slice("REDIS".length)));
}
