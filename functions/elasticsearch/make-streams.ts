import { askAgain } from "./ask-again.ts";
import type { AskOptions } from "./put-objects.ts";
import type { RestorePlan, StreamPlan } from "./restore-plan.ts";
import { readStream } from "./stream-replay.ts";
import { pathOf, type SearchTransport } from "./transport.ts";

/** Turns restored indices into the data streams that they were. Their templates must be there. Resolves with how many data streams there are now. */
export async function makeStreams(transport: SearchTransport, plan: RestorePlan, options: AskOptions): Promise<number> {
  const targets = new Map(plan.indices.map(({ number, target }) => [number, target]));
  const streams = plan.dataStreams.filter(({ action }) => action !== "skip");
  for (const stream of streams) {
    const indices = stream.numbers.map((number) => targets.get(number)!);
    const ask = () => (stream.method === "migrate" ? migrate(transport, stream, indices) : modify(transport, stream, indices));
    if (stream.method !== "replay") await askAgain(ask, { ...options, subject: `data stream "${stream.target}"` });
    if (stream.lifecycle !== undefined)
      await transport.json({ method: "PUT", path: pathOf("_data_stream", stream.target, "_lifecycle"), body: stream.lifecycle });
  }
  return streams.length;
}

/** An alias over the indices becomes the stream; names and order stay. May be repeated. */
async function migrate(transport: SearchTransport, { target }: StreamPlan, indices: readonly string[]): Promise<void> {
  if (await isThere(transport, target)) return;
  const writeIndex = indices.at(-1);
  const actions = indices.map((index) => ({ add: { index, alias: target, is_write_index: index === writeIndex } }));
  await transport.json({ method: "POST", path: "/_aliases", body: { actions } });
  await transport.json({ method: "POST", path: pathOf("_data_stream", "_migrate", target) });
}

/** A new stream has an index of its own to write into, and the others before it. May be repeated. */
async function modify(transport: SearchTransport, { target }: StreamPlan, indices: readonly string[]): Promise<void> {
  if (!(await isThere(transport, target))) await transport.json({ method: "PUT", path: pathOf("_data_stream", target) });
  const has = new Set(await readStream(transport, target));
  // Each goes right before the one that is written into.
  const missing = indices.filter((index) => !has.has(index));
  const actions = missing.map((index) => ({ add_backing_index: { data_stream: target, index } }));
  if (actions.length > 0) await transport.json({ method: "POST", path: "/_data_stream/_modify", body: { actions } });
}

async function isThere(transport: SearchTransport, stream: string): Promise<boolean> {
  const { status } = await transport.json({ method: "GET", path: pathOf("_data_stream", stream), statuses: [404] });
  return status === 200;
}
