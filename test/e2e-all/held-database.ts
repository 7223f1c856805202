import { setTimeout as sleep } from "node:timers/promises";
import type { RedisServer } from "../servers/redis-server.ts";

/** A server that has backups wait for their snapshot, as one does that hopes for more replicas to come; it keeps telling them that it lives. */
export interface HeldDatabase extends AsyncDisposable {
  /** Resolves once so many backups wait in mid-air. */
  reached(count?: number): Promise<void>;
  /** How many wait now. */
  waiting(): Promise<number>;
  /** Those that wait, and all that come, get their snapshots. */
  release(): Promise<void>;
}

/** From now on, until it is released, no backup of this server gets further than to the wait for its snapshot. */
export async function holdDatabase(redis: RedisServer): Promise<HeldDatabase> {
  await redis.cli("config", "set", "repl-diskless-sync-delay", "3600");
  const release = async () => {
    await redis.cli("config", "set", "repl-diskless-sync-delay", "0");
  };
  const waiting = async () => (await redis.cli("info", "replication")).match(/state=wait_bgsave/g)?.length ?? 0;
  return {
    waiting,
    reached: async (count = 1) => {
      for (const deadline = Date.now() + 60_000; (await waiting()) !== count; await sleep(50)) {
        if (Date.now() > deadline) throw new Error(`Waited in vain for ${count} held backups: ${await redis.cli("info", "replication")}`);
      }
    },
    release,
    [Symbol.asyncDispose]: release,
  };
}
