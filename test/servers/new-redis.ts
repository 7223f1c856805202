import { ensureDebianProgram } from "./debian-program.ts";
import { type RedisOptions, type RedisServer, startRedis } from "./redis-server.ts";

const LIBRARIES =
  "libc6 libssl3t64 libstdc++6 libgcc-s1 libsystemd0 libjemalloc2 liblzf1 libatomic1 libcap2 libzstd1 zlib1g liblz4-1 liblzma5";

/** Starts a real Redis 8.0, which has hash fields that expire. Its checking tool *is* the server, under another name. */
export async function startNewRedis(options: Omit<RedisOptions, "command"> = {}): Promise<RedisServer> {
  return startRedis({ ...options, command: await ensureNewRedis() });
}

/** Resolves with the command; fetches the program when it is not cached. */
export function ensureNewRedis(): Promise<readonly string[]> {
  const program = {
    name: "redis-8.0-trixie",
    release: "trixie",
    packages: ["redis-tools", ...LIBRARIES.split(" ")],
    path: "usr/bin/redis-check-rdb",
  };
  return ensureDebianProgram(program, "redis-server");
}
