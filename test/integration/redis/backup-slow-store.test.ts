// A server disconnects a replica that does not read; a store may stall for longer than that.
import { redisBackup } from "../../../functions/redis/backup.ts";
import { DatabaseUnavailableError, StoreUnavailableError } from "../../../runner/errors.ts";
import { type RedisServer, startRedis } from "../../servers/redis-server.ts";
import { backupContext, MemorySnapshot } from "./backup-context.ts";
import { databaseConnection } from "./database-connection.ts";

const MIB = 1024 * 1024;

test("a store that stalls for longer than repl-timeout does not cost the backup", async () => {
  await using server = await bigServer({ replTimeoutSeconds: 5 });
  const stalled = stallOnce({ afterBytes: MIB, milliseconds: 11_000 });
  const context = backupContext(databaseConnection(server), { snapshot: stalled });

  const result = await redisBackup.run(context);

  expect(result.counts.bytes).toBe(stalled.rdb.length);
  expect(server.output()).not.toContain("Disconnecting timedout replica");
});

test("the same stall does cost a backup that does not know the server's time-out, so the test above can fail", async () => {
  await using server = await bigServer({ replTimeoutSeconds: 5 });
  await server.cli("ACL", "SETUSER", "default", "-config");
  const context = backupContext(databaseConnection(server), { snapshot: stallOnce({ afterBytes: MIB, milliseconds: 11_000 }) });

  const error = await redisBackup.run(context).catch((e) => e);

  expect(error).toBeInstanceOf(DatabaseUnavailableError);
  expect(server.output()).toContain("Disconnecting timedout replica");
});

test("a store that stalls for good is named as too slow, and what is held in memory stays bounded", async () => {
  await using server = await bigServer({ replTimeoutSeconds: 1 });
  let received = 0;
  const snapshot = new MemorySnapshot(() => new Promise(() => {}));
  const context = backupContext(databaseConnection(server), { snapshot, onProgress: (bytes) => (received = Math.max(received, bytes)) });

  const error = await redisBackup.run(context).catch((e) => e);

  expect(error).toBeInstanceOf(StoreUnavailableError);
  expect(error.reason).toBe("StoreTooSlow");
  expect(received).toBeGreaterThan(8 * MIB);
  expect(received).toBeLessThan(33 * MIB);
});

/** Far more than the kernel's buffers and ours together hold. */
async function bigServer({ replTimeoutSeconds }: { replTimeoutSeconds: number }): Promise<RedisServer> {
  const server = await startRedis({ arguments: ["--repl-timeout", String(replTimeoutSeconds), "--rdbcompression", "no"] });
  await server.cli("DEBUG", "POPULATE", "300000", "key", "400");
  return server;
}

function stallOnce({ afterBytes, milliseconds }: { afterBytes: number; milliseconds: number }): MemorySnapshot {
  let isPast = false;
  return new MemorySnapshot(async (written) => {
    if (isPast || written < afterBytes) return;
    isPast = true;
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
  });
}
