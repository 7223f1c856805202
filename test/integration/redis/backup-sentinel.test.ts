import { redisBackup } from "../../../functions/redis/backup.ts";
import { openLink } from "../../../functions/redis/connection.ts";
import { redisEndpoint } from "../../../functions/redis/endpoint.ts";
import { encodeCommand } from "../../../functions/redis/reply-line.ts";
import { startRedis } from "../../servers/redis-server.ts";
import { startSentinel } from "../../servers/sentinel.ts";
import { backupContext, MemorySnapshot } from "./backup-context.ts";
import { databaseConnection } from "./database-connection.ts";

test("a Sentinel beside the server knows no new replica after ten backups that it looked at", async () => {
  await using server = await startRedis({ arguments: ["--rdb-key-save-delay", "200"] });
  await server.cli("DEBUG", "POPULATE", "5000");
  await using sentinel = await startSentinel(server);

  for (let n = 0; n < 10; n += 1) {
    const snapshot = new MemorySnapshot(async (written) => {
      if (written > 0) return;
      await sentinel.hasLooked();
      expect(await server.cli("INFO", "replication")).toContain("connected_slaves:1");
    });
    await redisBackup.run(backupContext(databaseConnection(server), { snapshot }));
    expect(snapshot.rdb.length).toBeGreaterThan(100);
  }
  await sentinel.hasLooked();

  expect(await sentinel.replicas()).toEqual([]);
});

test("the same Sentinel does list a replica that announces no port, so the test above can fail", async () => {
  await using server = await startRedis();
  await using sentinel = await startSentinel(server);
  const link = await openLink(redisEndpoint(databaseConnection(server)), { signal: new AbortController().signal });

  link.write(encodeCommand(["SYNC"]));
  for (let n = 0; n < 100 && (await sentinel.replicas()).length === 0; n += 1) await sentinel.hasLooked();

  expect(await sentinel.replicas()).toHaveLength(1);
  link.destroy();
});
