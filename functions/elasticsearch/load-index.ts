import { setMaxListeners } from "node:events";
import { IncompleteError } from "../../runner/errors.ts";
import type { BulkBody } from "./bulk-body.ts";
import type { BulkCutter } from "./bulk-cutter.ts";
import { derivesIds } from "./derives-ids.ts";
import type { LoadParts, LoadRequest, LoadResult, LoadStream, StreamReading } from "./load-request.ts";
import { MalformedLineError } from "./malformed-line-error.ts";
import { type SendParts, sendBody } from "./send-body.ts";
import type { BulkTransport } from "./send-bulk.ts";

/**
 * Writes all hit lines of some streams into one index. Resolves when each was accepted or refused: whether refusals fail the restore is the
 * caller's to say at its end, and whether what was read is what was stored, by `read` and `digest`. When it settles, no request is under way.
 * @throws HoldfastError
 */
export async function loadIndex(transport: BulkTransport, request: LoadRequest, parts: LoadParts): Promise<LoadResult> {
  const { index, action, omitIds = false, ordered = false, streams } = request;
  const stop = parts.failure ?? new AbortController();
  const signal = AbortSignal.any([parts.signal, stop.signal]);
  // One for each body that waits for something.
  setMaxListeners(0, signal);
  signal.throwIfAborted();
  const tally = { documents: 0, overwritten: 0, refused: 0, retriedItems: 0 };
  const idsAreDerived = omitIds && (await derivesIds(transport, index));
  const send = { ...parts, transport, index, action, idsAreDerived, tally, signal, description: transport.description };
  const load = { send, cutter: parts.gate.cutterFor(action, omitIds), stop };
  const readings: StreamReading[] = [];
  const loadOne = async (stream: LoadStream) => void readings.push(await loadStream(stream, load));
  if (ordered) for (const stream of streams) await loadOne(stream);
  else await Promise.all(streams.map(loadOne));
  signal.throwIfAborted();
  const read = readings.reduce((sum, reading) => sum + reading.read, 0);
  if (read !== tally.documents + tally.refused)
    throw new IncompleteError(`Of ${read} documents of "${index}", ${tally.documents + tally.refused} are accounted for`);
  return { ...tally, read, digest: sumDigests(readings), streams: readings };
}

interface Load {
  readonly send: SendParts;
  readonly cutter: BulkCutter;
  /** Its reason is the first failure, which ends the load. */
  readonly stop: AbortController;
}

/** Never rejects, for the other streams must end as well: failures go into `stop`. */
async function loadStream({ name, lines }: LoadStream, { send, cutter, stop }: Load): Promise<StreamReading> {
  const { gate, signal } = send;
  const reading = { name, read: 0, digest: 0n };
  const sending = new Set<Promise<void>>();
  try {
    using _ = await gate.streams.take(signal);
    await using bodies = cutter.cut(lines());
    for (;;) {
      const permit = await gate.bodies.take(signal);
      const body = await nextBody(bodies, permit);
      if (body === undefined) break;
      reading.read += body.count;
      reading.digest = BigInt.asUintN(64, reading.digest + body.digest);
      const sent = sendBody(body, send)
        .catch((error: unknown) => stop.abort(error))
        .finally(() => {
          body.release();
          permit[Symbol.dispose]();
          sending.delete(sent);
        });
      sending.add(sent);
    }
  } catch (error) {
    stop.abort(error instanceof MalformedLineError ? damaged(name, error) : error);
  }
  await Promise.all(sending);
  return reading;
}

/** Keeps the permit only for a body; undefined at the end. */
async function nextBody(bodies: AsyncGenerator<BulkBody, void, undefined>, permit: Disposable): Promise<BulkBody | undefined> {
  try {
    const { value: body } = await bodies.next();
    if (body === undefined) permit[Symbol.dispose]();
    return body ?? undefined;
  } catch (error) {
    permit[Symbol.dispose]();
    throw error;
  }
}

function damaged(stream: string, cause: MalformedLineError): IncompleteError {
  return new IncompleteError(`Stream "${stream}" of the snapshot holds what is no document: ${cause.message}`, {
    reason: "StreamDamaged",
    cause,
  });
}

function sumDigests(readings: readonly StreamReading[]): bigint {
  return BigInt.asUintN(
    64,
    readings.reduce((sum, { digest }) => sum + digest, 0n),
  );
}
