import { type RedisServer, startRedis } from "../../servers/redis-server.ts";
import { fillRedis } from "../../tools/redis-dataset.ts";
import { type DataDescription, describeData, diffData, expectSameData } from "../../tools/redis-equality.ts";

const now = Date.now();

async function startFilled(): Promise<RedisServer> {
  const server = await startRedis();
  await fillRedis(server, { now });
  return server;
}

test("a server that loads the file of another holds the same data", async () => {
  await using original = await startFilled();
  await original.cli("SAVE");

  await using copy = await startRedis({ arguments: ["--dir", original.directory] });

  expectSameData(await describeData(original), await describeData(copy));
});

describe("of a filled server", () => {
  let server: RedisServer;
  let before: DataDescription;

  beforeEach(async () => {
    server = await startFilled();
    before = await describeData(server);
  });

  afterEach(() => server.stop());

  test.each([
    [
      "an expiry moved by one millisecond",
      ["PEXPIREAT", "expiring:always", String(now + 7_200_124)],
      /database 0, expiry of "expiring:always"/,
    ],
    ["an expiry that was lost", ["PERSIST", "expiring:always"], /expiry of "expiring:always": expected \d+, is none/],
    ["a member more", ["SADD", "set:int16", "-5"], /database 0, value of "set:int16"/],
    ["a member less", ["ZREM", "zset:big", "member 3"], /value of "zset:big"/],
    ["a changed field", ["HSET", "hash:big", "field 999", "other"], /value of "hash:big"/],
    ["a list in another order", ["LMOVE", "list:small", "list:small", "LEFT", "RIGHT"], /value of "list:small"/],
    ["a key less", ["DEL", "string:short"], /database 0: expected \d+ keys, has \d+/],
    ["a key in another database", ["MOVE", "string:empty", "2"], /database 2, value of "string:empty": expected none/],
    ["a binary key's value", ["SET", "", "another"], /value of ""/],
    [
      "a changed function",
      ["FUNCTION", "LOAD", "REPLACE", "#!lua name=holdfast_sample\nredis.register_function('f', function() end)"],
      /function library/,
    ],
    ["a function library less", ["FUNCTION", "FLUSH"], /function library "holdfast_sample"/],
    [
      "a function library more",
      ["FUNCTION", "LOAD", "#!lua name=other\nredis.register_function('g', function() end)"],
      /function library "other"/,
    ],
    ["an acknowledged entry", ["XACK", "stream:groups", "readers", "1700000000042-0"], /stream "stream:groups"/],
    ["a moved group", ["XGROUP", "SETID", "stream:groups", "late", "0"], /stream "stream:groups"/],
    ["a group less", ["XGROUP", "DESTROY", "stream:empty with group", "waiting"], /stream "stream:empty with group"/],
    ["a consumer less", ["XGROUP", "DELCONSUMER", "stream:groups", "readers", "never reads"], /stream "stream:groups"/],
    ["a moved last identifier", ["XSETID", "stream:emptied", "99-9"], /stream "stream:emptied"/],
  ])("%s is found and named", async (_, command, difference) => {
    await server.cli(...command);

    const differences = diffData(before, await describeData(server));

    expect(differences).toEqual(expect.arrayContaining([expect.stringMatching(difference)]));
  });

  test("a change is found in the whole digest when there are too many keys to name", async () => {
    const coarse = await describeData(server, { maxNamedValues: 10 });
    await server.cli("SADD", "set:int16", "-5");

    const differences = diffData(coarse, await describeData(server, { maxNamedValues: 10 }));

    expect(differences).toEqual([expect.stringMatching(/^DEBUG DIGEST: expected [0-9a-f]{40}, is [0-9a-f]{40}$/)]);
  });

  test("a flushed server differs, and the sentence says how many differences are not shown", async () => {
    await server.cli("FLUSHALL");

    const differences = diffData(before, await describeData(server));

    expect(differences).toHaveLength(21);
    expect(differences.at(-1)).toMatch(/^and \d{3,} more$/);
  });
});

test("a server that refuses DEBUG is an error, not an equality", async () => {
  await using server = await startRedis({ arguments: ["--enable-debug-command", "no"] });
  await server.cli("SET", "a", "1");

  await expect(describeData(server)).rejects.toThrow(/DEBUG/);
});
