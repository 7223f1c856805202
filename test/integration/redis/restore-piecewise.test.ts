import { redisRestore } from "../../../functions/redis/restore.ts";
import { type RedisServer, startRedis } from "../../servers/redis-server.ts";
import { type DataDescription, describeData, diffData } from "../../tools/redis-equality.ts";
import { connectResp } from "../../tools/resp.ts";
import { seededRandom } from "../../tools/seeded-random.ts";
import { databaseConnection } from "./database-connection.ts";
import { restoreContext, type SavedData, saveData } from "./restore-context.ts";

/** The least that proto-max-bulk-len can be. */
const LIMIT = 1024 * 1024;

let source: RedisServer;
let data: SavedData;
beforeAll(async () => {
  source = await startRedis();
  await fillLongValues(source);
  data = await saveData(source);
});
afterAll(() => source.stop());

test("values longer than a command may carry are restored in pieces, whatever their type", async () => {
  await using target = await startRedis({ arguments: ["--proto-max-bulk-len", "1mb"] });

  const result = await redisRestore.run(restoreContext(databaseConnection(target), data));

  expect(diffData(withoutSeenTimes(await describeData(source)), withoutSeenTimes(await describeData(target)))).toEqual([]);
  expect(result.counts).toMatchObject({ keys: 11, restored: 11 });
});

/** No command sets when a consumer was last seen. */
function withoutSeenTimes(description: DataDescription): DataDescription {
  const strip = (text: string) => text.replaceAll(/"(seen|active)-time":-?\d+/g, "");
  const databases = [...description.databases].map(([number, database]) => {
    const streams = new Map([...database.streams].map(([key, text]) => [key, strip(text)]));
    return [number, { ...database, streams }] as const;
  });
  return { ...description, databases: new Map(databases) };
}

/** Several megabytes of every type, some of them compressed, one that expires. */
async function fillLongValues(server: RedisServer): Promise<void> {
  const random = seededRandom(7);
  const piece = () => random.bytes(3000);
  const lines = (index: number) => Array.from({ length: 60 }, (_, item) => `item ${index} ${item} ${random.bytes(20).toString("latin1")}`);
  await using connection = await connectResp(server);
  await connection.call("SET", "string", random.bytes(LIMIT));
  await connection.call("PEXPIREAT", "string", Date.now() + 3_600_000);
  await connection.call("SET", "string:shorter", random.bytes(LIMIT - 20));
  await connection.call("SET", "string:compressed", Buffer.alloc(LIMIT, "compressible "));
  for (let from = 0; from < 400; from += 100) {
    const commands = Array.from({ length: 100 }, (_, offset) => from + offset).flatMap((index) => [
      ["RPUSH", "list", piece(), String(index), Buffer.alloc(200, "y")],
      ["RPUSH", "list:small", ...lines(index)],
      ["SADD", "set", piece(), String(index)],
      ["ZADD", "zset", String(index / 7), piece(), "-0", `m${index}`, index % 2 ? "inf" : "1e300", `n${index}`],
      ["HSET", "hash", `field ${index}`, piece(), `number ${index}`, String(index)],
      ["XADD", "stream", `${index + 1}-${index}`, "field", piece(), "number", String(index)],
    ]);
    await connection.batch(commands);
  }
  await connection.call("XDEL", "stream", "7-6", "400-399");
  await connection.call("XGROUP", "CREATE", "stream", "group", "0");
  await connection.call("XREADGROUP", "GROUP", "group", "reader", "COUNT", "50", "STREAMS", "stream", ">");
  await connection.call("XREADGROUP", "GROUP", "group", "other", "COUNT", "5", "STREAMS", "stream", ">");
  await connection.call("XACK", "stream", "group", "1-0", "2-1");
  await connection.call("XGROUP", "CREATECONSUMER", "stream", "group", "idle");
  await connection.call("XGROUP", "CREATE", "stream", "second", "$");
  await connection.call("SET", "small", "1");
  await connection.call("SELECT", "3");
  await connection.call("SET", "\xff\x00binary\r\n", random.bytes(LIMIT - 64));
}
