import { connect } from "node:net";
import { RespLink } from "../../../functions/redis/resp-link.ts";
import { redisRestore } from "../../../functions/redis/restore.ts";
import { PiecewiseValue } from "../../../functions/redis/restore-piecewise.ts";
import { RestoreTally } from "../../../functions/redis/restore-tally.ts";
import { startNewRedis } from "../../servers/new-redis.ts";
import type { RedisServer } from "../../servers/redis-server.ts";
import { startValkey } from "../../servers/valkey.ts";
import { type DataDescription, describeData, diffData } from "../../tools/redis-equality.ts";
import { string } from "../../unit/redis/rdb-bytes.ts";
import { SAMPLE_VALUES, type SampleValue } from "../../unit/redis/rdb-sample-values.ts";
import { databaseConnection } from "./database-connection.ts";
import { restoreContext } from "./restore-context.ts";

/** No command writes a module's value, and the empty string is never long. */
const SAMPLES = SAMPLE_VALUES.filter(({ elements }) => elements !== undefined && elements.length > 0);

test.each([
  ["Redis 8.0", "REDIS0012", startNewRedis, SAMPLES.filter(({ isValkey }) => !isValkey)],
  ["Valkey 9.1", "VALKEY080", startValkey, SAMPLES.filter(({ type, isValkey }) => type < 22 || isValkey)],
] as const)("%s makes the same of every encoding that servers ever wrote, whole and in pieces", async (_name, header, start, samples) => {
  await using whole = await start();
  await using pieces = await start();
  const records = samples.flatMap(({ name, type, value }) => [Buffer.of(type), string(name), value]);
  const rdb = Buffer.concat([Buffer.from(header), Buffer.from("\xfe\x00", "latin1"), ...records, Buffer.from("\xff12345678", "latin1")]);

  const { counts } = await redisRestore.run(restoreContext(databaseConnection(whole), { rdb, facts: {} }));
  await restoreInPieces(pieces, samples);

  expect(counts.restored).toBe(samples.length);
  expect(diffData(comparable(await describeData(whole)), comparable(await describeData(pieces)))).toEqual([]);
});

async function restoreInPieces(server: RedisServer, samples: readonly SampleValue[]): Promise<void> {
  const socket = connect({ port: server.port, host: server.host });
  await new Promise((resolve) => socket.once("connect", resolve));
  const tally = new RestoreTally("fail", () => Date.now());
  tally.enter(0);
  const link = new RespLink({ socket, description: "redis://test", signal: new AbortController().signal, listener: tally });
  const parts = {
    link,
    tally,
    policy: "fail",
    description: "redis://test",
    maxBulkBytes: 1024 ** 2,
    serverNow: Date.now,
    warn: () => {},
  } as const;
  for (const { name, type, value, isValkey = false } of samples) {
    const piecewise = new PiecewiseValue({ key: Buffer.from(name), type, isValkey, expiresAtMs: 0 }, parts);
    await piecewise.start();
    await piecewise.feed(value);
    await piecewise.finish();
  }
  link.close();
}

/**
 * No command sets when a consumer was last seen or active, and what a group of a stream from before 7.0 has read (type 15) is the loader's own
 * estimate.
 */
function comparable(description: DataDescription): DataDescription {
  const strip = (key: string, text: string) =>
    text.replaceAll(/"(seen|active)-time":-?\d+/g, "").replaceAll(key === "stream" ? /"entries-read":(\d+|null)/g : /$^/g, "");
  const databases = [...description.databases].map(([number, database]) => {
    const streams = new Map([...database.streams].map(([key, text]) => [key, strip(key, text)]));
    return [number, { ...database, streams }] as const;
  });
  return { ...description, databases: new Map(databases) };
}
