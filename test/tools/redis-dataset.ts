// Generated data for Redis and Valkey: every type and encoding the server has, and as much bulk as asked for.
import { fillBulk } from "./redis-dataset-bulk.ts";
import { fillEveryKind } from "./redis-dataset-kinds.ts";
import { connectResp, type RedisAddress, type RespConnection } from "./resp.ts";
import { RespError } from "./resp-parser.ts";
import { seededRandom } from "./seeded-random.ts";

export interface DatasetOptions {
  /** The same seed and `now` give the same data; default 1. */
  readonly seed?: number;
  /** 0 (default): a few hundred keys of every kind. 1: also 2.1 million keys, about 1 GB, seven of them of 50 to 90 MB. */
  readonly scale?: number;
  /** Adds one string of this size to database 0 (512 MiB is the most a server takes). */
  readonly hugeStringBytes?: number;
  /** Expiry times lie two to nine hours after this; default: now. */
  readonly now?: number;
}

export interface Dataset {
  /** Keys in each database that has any. */
  readonly keys: ReadonlyMap<number, number>;
  readonly hasFunctions: boolean;
  readonly hasFieldExpiry: boolean;
}

/** What a server can hold beside the types that all have. */
export interface ServerFeatures {
  readonly databases: readonly number[];
  readonly hasFunctions: boolean;
  readonly hasFieldExpiry: boolean;
}

const HUGE_STRING_PIECE = 16 * 1024 * 1024;

/** Fills an empty server; resolves when every command was answered without an error. Throws when the server holds keys already. */
export async function fillRedis(server: RedisAddress, options: DatasetOptions = {}): Promise<Dataset> {
  const { seed = 1, scale = 0, hugeStringBytes = 0, now = Date.now() } = options;
  await using connection = await connectResp(server);
  const features = await readFeatures(connection);
  await refuseKeys(connection, features.databases);
  const random = seededRandom(seed);

  for (const database of features.databases) {
    await connection.call("SELECT", database);
    await fillEveryKind(connection, { random, now, hasFieldExpiry: features.hasFieldExpiry });
  }
  if (features.hasFunctions) await connection.call("FUNCTION", "LOAD", FUNCTION_LIBRARY);
  if (scale > 0) await fillBulk(connection, { random, now, scale, databases: features.databases });
  if (hugeStringBytes > 0) await fillHugeString(connection, random.bytes(HUGE_STRING_PIECE), hugeStringBytes);

  const keys = await countKeys(connection, features.databases);
  return { keys, hasFunctions: features.hasFunctions, hasFieldExpiry: features.hasFieldExpiry };
}

const FUNCTION_LIBRARY = `#!lua name=holdfast_sample
-- Comments and "quotes" belong to a library too.
redis.register_function('sample_get', function(keys) return redis.call('GET', keys[1]) end)
redis.register_function{function_name='sample_ping', callback=function() return 'pong' end, flags={'no-writes'}}
`;

async function readFeatures(connection: RespConnection): Promise<ServerFeatures> {
  const selected = await connection.batch([0, 1, 9, 15].map((database) => ["SELECT", database]));
  const databases = [0, 1, 9, 15].filter((_, index) => !(selected[index] instanceof RespError));
  const commands = (await connection.call("COMMAND", "INFO", "FUNCTION", "HPEXPIREAT")) as unknown[];
  return { databases, hasFunctions: isKnown(commands[0]), hasFieldExpiry: isKnown(commands[1]) };
}

function isKnown(command: unknown): boolean {
  return Array.isArray(command) && command.length > 0;
}

async function refuseKeys(connection: RespConnection, databases: readonly number[]): Promise<void> {
  const filled = [...(await countKeys(connection, databases))].filter(([, count]) => count > 0);
  if (filled.length > 0) throw new Error(`Cannot fill the server: database ${filled[0]?.[0]} has keys already`);
}

async function countKeys(connection: RespConnection, databases: readonly number[]): Promise<ReadonlyMap<number, number>> {
  const counts = new Map<number, number>();
  for (const database of databases) {
    await connection.call("SELECT", database);
    counts.set(database, Number(await connection.call("DBSIZE")));
  }
  return counts;
}

async function fillHugeString(connection: RespConnection, piece: Buffer, bytes: number): Promise<void> {
  await connection.call("SELECT", 0);
  for (let written = 0; written < bytes; written += piece.length) {
    piece.writeDoubleLE(written);
    await connection.call("APPEND", "huge:string", piece.subarray(0, Math.min(piece.length, bytes - written)));
  }
}
