import { IncompleteError } from "../../runner/errors.ts";
import type { ParametersOf, RestoreContext, RestoreFunction, RestoreResult, StreamInfo } from "../../runner/function.ts";
import { checkTarget } from "./check-target.ts";
import { openControl, openLink, type RedisControl } from "./connection.ts";
import { type RedisEndpoint, redisEndpoint } from "./endpoint.ts";
import { redisRestoreParameters } from "./parameters.ts";
import { RespLink } from "./resp-link.ts";
import { databasesToRestore } from "./restore-databases.ts";
import { readSnapshotFacts } from "./restore-facts.ts";
import { addProgress, assertNothingRefused, describeRestore } from "./restore-outcome.ts";
import { assertNoDifferences } from "./restore-postflight.ts";
import { assertRestorable, type RestorableFile } from "./restore-preflight.ts";
import { RestoreSession } from "./restore-session.ts";
import { RestoreTally } from "./restore-tally.ts";
import { inspectTarget, type RestoreTarget } from "./restore-target.ts";
import { retryWhileUnready } from "./retry-while-unready.ts";
import { readServerClock } from "./server-clock.ts";
import { readRestoreArguments } from "./stash-arguments.ts";
import { redisRestoreCatalog } from "./stash-manifests.ts";

type Context = RestoreContext<ParametersOf<typeof redisRestoreParameters>>;

interface Parts {
  readonly context: Context;
  readonly control: RedisControl;
  readonly target: RestoreTarget;
  readonly endpoint: RedisEndpoint;
}

/** Restores a snapshot's RDB file key by key with RESTORE, and checks that the target holds what it was given. Repeating it changes nothing. */
export const redisRestore: RestoreFunction<typeof redisRestoreParameters> = {
  kind: "restore",
  name: "redis-restore",
  engine: "redis",
  summary: "Restore a Redis or Valkey snapshot into a server",
  parameters: redisRestoreParameters,
  judge: (database) => ({ usesTls: redisEndpoint(database).tls !== undefined }),
  check: checkTarget,
  run: restore,
  stash: { name: "restore-redis", argumentsFlag: "redis-args", readArguments: readRestoreArguments, catalog: redisRestoreCatalog },
};

async function restore(context: Context): Promise<RestoreResult> {
  const stream = rdbStream(context.snapshot.streams);
  const endpoint = redisEndpoint(context.database);
  for (const { reason, message } of endpoint.notices) context.warn(reason, message);
  const { control, target } = await retryWhileUnready(() => openTarget(endpoint, context), context);
  try {
    return await restoreStream(stream, { context, control, target, endpoint });
  } finally {
    control.close();
  }
}

async function openTarget(endpoint: RedisEndpoint, context: Context): Promise<{ control: RedisControl; target: RestoreTarget }> {
  const control = await openControl(endpoint, context);
  try {
    return { control, target: await inspectTarget(control, endpoint.description) };
  } catch (error) {
    control.close();
    throw error;
  }
}

async function restoreStream(stream: StreamInfo, parts: Parts): Promise<RestoreResult> {
  const { context, control, target, endpoint } = parts;
  const { policy } = context.parameters;
  const serverNow = await readServerClock(control, context.warn);
  const tally = new RestoreTally(policy, serverNow);
  const chosen = databasesToRestore(context.parameters.databases, context.snapshot.facts);
  if (chosen !== undefined) tellOfChoice(chosen, context);
  const { signal, log, warn, progress } = context;
  const { description } = endpoint;
  const link = new RespLink({ socket: await openLink(endpoint, context), description, signal, listener: tally });
  const session = new RestoreSession({
    ...{ link, tally, policy, chosen, description, serverNow, log, warn, progress },
    maxBulkBytes: target.maxBulkBytes,
    totalBytes: stream.rawBytes,
    preflight: (file) => preflight(file, { ...parts, chosen }),
  });
  try {
    await session.restore(context.snapshot.stream(stream.name));
    const { checks, differences, evictedKeys = 0 } = await session.check();
    assertNoDifferences(differences, evictedKeys - (target.server.details?.evictedKeys ?? 0));
    assertNothingRefused(tally, description);
    return describeRestore(tally, { checks, libraries: session.libraries, policy });
  } catch (error) {
    // An abort shows first as whatever it interrupted.
    const { sent, answered } = link.counts;
    throw addProgress(signal.aborted ? signal.reason : error, tally, {
      unanswered: sent - answered,
      libraries: session.libraries,
      isMaxBulkKnown: target.isMaxBulkKnown,
    });
  } finally {
    link.close();
  }
}

/** Whoever chose it at the backup may be somebody else. */
function tellOfChoice(chosen: ReadonlySet<number>, { parameters, log, warn }: Context): void {
  const list = [...chosen].join(", ");
  if (parameters.databases !== undefined) log.info("Only some databases are restored", { databases: list });
  else warn("SomeDatabasesOnly", `The backup was made for database ${list}, so that it alone is restored; --databases chooses others`);
}

interface PreflightChoice extends Parts {
  readonly chosen: ReadonlySet<number> | undefined;
}

function preflight(file: RestorableFile, { context, control, target, endpoint, chosen }: PreflightChoice): Promise<void> {
  const { policy, allowMissingModules } = context.parameters;
  const facts = readSnapshotFacts(context.snapshot.facts);
  const { username } = endpoint;
  return assertRestorable(file, { control, target, facts, policy, chosen, allowMissingModules, username, warn: context.warn });
}

function rdbStream(streams: readonly StreamInfo[]): StreamInfo {
  const [stream, another] = streams.filter(({ name }) => name.endsWith(".rdb"));
  if (stream === undefined) throw new IncompleteError("The snapshot holds no RDB file", { reason: "NotARedisSnapshot" });
  if (another !== undefined)
    throw new IncompleteError("The snapshot holds several RDB files: restoring a cluster is not offered yet", {
      reason: "ClusterNotSupported",
    });
  return stream;
}
