import { setTimeout as pause } from "node:timers/promises";
import * as z from "zod";
import { DatabaseUnavailableError, HoldfastError } from "../../runner/errors.ts";
import type { Log } from "../../runner/function.ts";
import { inspectServer, type SearchServer } from "./inspect-server.ts";
import { readAnswer } from "./read-answer.ts";
import { UNREADY_REASONS } from "./server-error.ts";
import type { SearchTransport } from "./transport.ts";

export interface WaitOptions {
  readonly waitTimeoutMs: number;
  readonly signal: AbortSignal;
  readonly log: Log;
  /** Told when the cluster is still red after the waiting; absent: logged only. */
  warn?(reason: string, message: string): void;
  readonly pauseMs?: number;
}

const PAUSE_MS = 1_000;
const LOG_EVERY_MS = 10_000;
/** So long an attempt may be silent although the time is nearly over. */
const LEAST_ATTEMPT_MS = 5_000;
const NAMED_INDICES = 10;

/**
 * Waits until the server answers, has formed a cluster and is not red, for at most `waitTimeoutMs`; then the last failure is thrown. Wrong
 * credentials, missing rights and certificates are not waited for. A cluster that only stays red is told and let pass: its sound indices can be
 * read and written, and reading one that is not fails.
 */
export async function waitUntilReady(transport: SearchTransport, options: WaitOptions): Promise<SearchServer> {
  const { waitTimeoutMs, signal, log } = options;
  const started = performance.now();
  let logged = Number.NEGATIVE_INFINITY;
  for (;;) {
    const leftMs = waitTimeoutMs - (performance.now() - started);
    const attempt = await tryOnce(transport, Math.max(leftMs, LEAST_ATTEMPT_MS));
    if (attempt.because === undefined) return attempt.server;
    signal.throwIfAborted();
    const waitedMs = performance.now() - started;
    if (waitedMs >= waitTimeoutMs) return giveUp(attempt, options);
    if (waitedMs - logged >= LOG_EVERY_MS) {
      logged = waitedMs;
      log.info("Waiting for the database", { because: attempt.because.message, waitedSeconds: Math.round(waitedMs / 1000) });
    }
    await pause(Math.min(options.pauseMs ?? PAUSE_MS, waitTimeoutMs - waitedMs), undefined, { signal }).catch(() =>
      signal.throwIfAborted(),
    );
  }
}

/** What an attempt found: a server, a reason to wait, or both when it is red. */
type Attempt =
  | { readonly server: SearchServer; readonly because: undefined }
  | { readonly server: SearchServer | undefined; readonly because: HoldfastError };

async function tryOnce(transport: SearchTransport, mostMs: number): Promise<Attempt> {
  try {
    const idleTimeoutMs = Math.min(mostMs, transport.idleTimeoutMs);
    const server = await inspectServer(transport, { idleTimeoutMs });
    const because = await findRed(transport, idleTimeoutMs);
    return because === undefined ? { server, because } : { server, because };
  } catch (error) {
    if (error instanceof HoldfastError && UNREADY_REASONS.has(error.reason)) return { server: undefined, because: error };
    throw error;
  }
}

function giveUp({ server, because }: Attempt, { log, warn }: WaitOptions): SearchServer {
  if (server === undefined) throw because;
  const message = because?.message ?? "";
  if (warn === undefined) log.warn("The cluster stays red", { because: message });
  else warn("ClusterRed", message);
  return server;
}

const healthSchema = z.object({
  status: z.string(),
  indices: z.record(z.string(), z.object({ status: z.string() })).optional(),
});

/** Why the cluster is not ready, naming the indices that have a shard without any copy; undefined when it is. */
export async function findRed(
  transport: SearchTransport,
  idleTimeoutMs = transport.idleTimeoutMs,
): Promise<DatabaseUnavailableError | undefined> {
  const query = { level: "indices", filter_path: "status,indices.*.status" };
  const answer = await transport.json({ method: "GET", path: "/_cluster/health", query, idleTimeoutMs });
  const { status, indices = {} } = readAnswer(healthSchema, answer, { transport, request: "GET /_cluster/health" });
  if (status.toLowerCase() !== "red") return undefined;
  const red = Object.keys(indices).filter((name) => indices[name]?.status.toLowerCase() === "red");
  const names = red.length > NAMED_INDICES ? [...red.slice(0, NAMED_INDICES), `and ${red.length - NAMED_INDICES} more`] : red;
  return new DatabaseUnavailableError(
    `${transport.description} is red: shards without any copy, of ${names.join(", ") || "unnamed indices"}`,
    {
      reason: "ClusterNotReady",
      facts: { redIndices: red.slice(0, NAMED_INDICES), redIndicesCount: red.length },
    },
  );
}
