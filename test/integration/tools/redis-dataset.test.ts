import { startRedis } from "../../servers/redis-server.ts";
import { fillRedis } from "../../tools/redis-dataset.ts";
import { describeData } from "../../tools/redis-equality.ts";
import { connectResp } from "../../tools/resp.ts";

const now = Date.now();

test("every type and encoding of the server is there, in four databases", async () => {
  await using server = await startRedis();

  const dataset = await fillRedis(server, { now });

  await using connection = await connectResp(server);
  const keys = (await connection.call("KEYS", "*")) as Buffer[];
  const types = await connection.batch(keys.map((key) => ["TYPE", key]));
  const encodings = await connection.batch(keys.map((key) => ["OBJECT", "ENCODING", key]));
  const found = new Set(keys.map((_, index) => `${types[index]} ${encodings[index]}`));
  expect([...found].sort()).toEqual([
    ...["hash hashtable", "hash listpack", "list quicklist", "set hashtable", "set intset", "stream stream"],
    ...["string embstr", "string int", "string raw", "zset listpack", "zset skiplist"],
  ]);
  expect([...dataset.keys.keys()]).toEqual([0, 1, 9, 15]);
  expect(Math.min(...dataset.keys.values())).toBeGreaterThan(80);
  expect(await connection.call("STRLEN", "hyperloglog:dense")).toBe(12_304);
});

test("the same seed and time give the same data, another seed gives other data", async () => {
  await using first = await startRedis();
  await using second = await startRedis();
  await using third = await startRedis();

  await fillRedis(first, { seed: 7, now, scale: 0.001 });
  await fillRedis(second, { seed: 7, now, scale: 0.001 });
  await fillRedis(third, { seed: 8, now, scale: 0.001 });

  const [one, same, other] = [await describeData(first), await describeData(second), await describeData(third)];
  expect(same.digest).toBe(one.digest);
  expect(same.databases.get(9)?.expiries).toEqual(one.databases.get(9)?.expiries);
  expect(other.digest).not.toBe(one.digest);
});

test("on a server with two databases only those are filled", async () => {
  await using server = await startRedis({ arguments: ["--databases", "2"] });

  const dataset = await fillRedis(server);

  expect([...dataset.keys.keys()]).toEqual([0, 1]);
});

test("a huge string has the size asked for", async () => {
  await using server = await startRedis();

  await fillRedis(server, { hugeStringBytes: 40_000_000 });

  expect(await server.cli("STRLEN", "huge:string")).toBe("40000000");
});

test("a server that holds keys is not filled", async () => {
  await using server = await startRedis();
  await server.cli("-n", "9", "SET", "mine", "1");

  await expect(fillRedis(server)).rejects.toThrow("database 9 has keys already");
});

test("a command that the server refuses fails the filling", async () => {
  await using server = await startRedis({ arguments: ["--maxmemory", "1200000"] });

  await expect(fillRedis(server)).rejects.toThrow(/OOM/);
});
