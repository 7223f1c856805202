import type { Socket } from "node:net";
import { DatabaseRefusedError, describeError, HoldfastError } from "../../runner/errors.ts";
import type { BackupContext, BackupFunction, BackupResult, ParametersOf } from "../../runner/function.ts";
import { describeBackup } from "./backup-result.ts";
import { checkSource } from "./check-source.ts";
import { openLink } from "./connection.ts";
import { type RedisEndpoint, redisEndpoint } from "./endpoint.ts";
import { inspectSource, type Source } from "./inspect-source.ts";
import { findMissingRights } from "./missing-rights.ts";
import { redisBackupParameters } from "./parameters.ts";
import { receiveSnapshot } from "./receive-snapshot.ts";
import { type AnnouncedSnapshot, requestSnapshot } from "./request-snapshot.ts";
import { retryWhileUnready } from "./retry-while-unready.ts";
import { parseSnapshotHeader } from "./snapshot-header.ts";
import { SnapshotProof, uncheckedSnapshot } from "./snapshot-proof.ts";
import { readBackupArguments } from "./stash-arguments.ts";
import { redisBackupCatalog } from "./stash-manifests.ts";

type Context = BackupContext<ParametersOf<typeof redisBackupParameters>>;

/** Takes the server's own point-in-time snapshot by replication, as an RDB file; accepts it only when the file itself proves to be whole. */
export const redisBackup: BackupFunction<typeof redisBackupParameters> = {
  kind: "backup",
  name: "redis-backup",
  engine: "redis",
  summary: "Back up a Redis or Valkey server by its own replication snapshot",
  parameters: redisBackupParameters,
  judge: (database) => ({ usesTls: redisEndpoint(database).tls !== undefined }),
  check: checkSource,
  run: backUp,
  stash: { name: "backup-redis", argumentsFlag: "redis-args", readArguments: readBackupArguments, catalog: redisBackupCatalog },
};

const REPLY_TIMEOUT_MS = 30_000;
const DEFAULT_REPL_TIMEOUT_SECONDS = 60;
/** The auxiliary fields end well before this. */
const HEADER_BYTES = 4096;

async function backUp(context: Context): Promise<BackupResult> {
  const endpoint = redisEndpoint(context.database);
  for (const { reason, message } of endpoint.notices) context.warn(reason, message);
  try {
    const source = await retryWhileUnready(() => inspectSource(endpoint, context), context);
    if (source.settings.rdbchecksum === "no" && !context.parameters.allowUnchecked) throw uncheckedSnapshot();
    return await transfer(endpoint, source, context);
  } catch (error) {
    context.signal.throwIfAborted();
    throw await nameMissingRights(error, endpoint, context);
  }
}

async function transfer(endpoint: RedisEndpoint, source: Source, context: Context): Promise<BackupResult> {
  const { parameters, log } = context;
  if (source.server.details === undefined)
    context.warn("InfoNotAllowed", "The user may not run INFO: key counts, server id, replication state and memory are not known (+info)");
  const started = new Date();
  const { link, snapshot } = await retryWhileUnready(() => beginSnapshot(endpoint, source, context), context);
  try {
    log.info("The snapshot begins", { framing: snapshot.framing.kind, flavour: source.server.flavour, version: source.server.version });
    const stream = context.snapshot.stream("dump.rdb", { mediaType: "application/x-redis-rdb" });
    const proof = new SnapshotProof();
    const totalBytes = snapshot.framing.kind === "length" ? { totalBytes: snapshot.framing.length } : {};
    let start: Buffer = Buffer.alloc(0);
    await receiveSnapshot(link, snapshot, {
      description: endpoint.description,
      signal: context.signal,
      idleTimeoutMs: parameters.idleTimeoutMs,
      replTimeoutMs: Number(source.settings["repl-timeout"] || DEFAULT_REPL_TIMEOUT_SECONDS) * 1_000,
      write: (piece) => stream.write(piece),
      onPiece: (piece) => {
        if (start.length < HEADER_BYTES) start = Buffer.concat([start, piece.subarray(0, HEADER_BYTES)]);
        proof.take(piece);
        context.progress({ phase: "snapshot", bytes: proof.bytes, ...totalBytes });
      },
    });
    const header = parseSnapshotHeader(start);
    const proven = proof.conclude(parameters);
    if (proven.crc64 === undefined) context.warn("UncheckedSnapshot", "The snapshot carries no checksum: nothing proves that it is whole");
    await stream.finish(proven.crc64 === undefined ? {} : { digest: `crc64:${proven.crc64}` });
    return describeBackup({ source, header, proven, started, databasesMeant: parameters.databases });
  } finally {
    link.destroy();
  }
}

async function beginSnapshot(
  endpoint: RedisEndpoint,
  source: Source,
  context: Context,
): Promise<{ link: Socket; snapshot: AnnouncedSnapshot }> {
  const link = await openLink(endpoint, context);
  let loggedAt = Number.NEGATIVE_INFINITY;
  try {
    const snapshot = await requestSnapshot(link, {
      description: endpoint.description,
      server: source.server,
      replyTimeoutMs: REPLY_TIMEOUT_MS,
      idleTimeoutMs: context.parameters.idleTimeoutMs,
      warn: (reason, message) => context.warn(reason, message),
      onKeepAlive: () => {
        context.progress({ phase: "waiting for the server's snapshot" });
        if (performance.now() - loggedAt < 30_000) return;
        loggedAt = performance.now();
        context.log.info("The server is preparing its snapshot");
      },
    });
    return { link, snapshot };
  } catch (error) {
    link.destroy();
    throw error;
  }
}

/** A refusal for missing rights becomes one that names all of them. */
async function nameMissingRights(error: unknown, endpoint: RedisEndpoint, context: Context): Promise<unknown> {
  if (!(error instanceof HoldfastError) || error.reason !== "PermissionDenied") return error;
  const missing = await findMissingRights(endpoint, context).catch((failure) => {
    context.log.debug("Cannot find out which rights are missing", { error: describeError(failure) });
    return [];
  });
  context.signal.throwIfAborted();
  if (missing.length === 0) return error;
  const rights = missing.join(" ");
  return new DatabaseRefusedError(`${error.message}; the user lacks ${rights}`, {
    cause: error,
    reason: error.reason,
    hint: `ACL SETUSER ${endpoint.username ?? "default"} ${rights}`,
    facts: { missingRights: missing },
  });
}
