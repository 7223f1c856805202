import { redisRestore } from "../../../functions/redis/restore.ts";
import { type RedisServer, startRedis } from "../../servers/redis-server.ts";
import { fillRedis } from "../../tools/redis-dataset.ts";
import { describeData, diffData } from "../../tools/redis-equality.ts";
import { databaseConnection } from "./database-connection.ts";
import { restoreContext, type SavedData, saveData } from "./restore-context.ts";

let source: RedisServer;
let data: SavedData;
beforeAll(async () => {
  source = await startRedis();
  await fillRedis(source);
  data = await saveData(source);
});
afterAll(() => source.stop());

test("a restored server holds every type, database, expiry time, consumer group and function of the source", async () => {
  await using target = await startRedis();

  const result = await redisRestore.run(restoreContext(databaseConnection(target), data));

  expect(diffData(await describeData(source), await describeData(target))).toEqual([]);
  expect(result.counts).toMatchObject({ keys: 332, restored: 332, skipped: 0, expired: 0, functionLibraries: 1 });
});
