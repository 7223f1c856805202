import * as z from "zod";
import { readAnswer } from "./read-answer.ts";
import type { BulkTransport } from "./send-bulk.ts";
import { pathOf } from "./transport.ts";

const settingsSchema = z.record(z.string(), z.object({ settings: z.record(z.string(), z.unknown()) }));

/** Whether the index, or every index of the data stream, makes ids out of the documents: only then may one without an id be sent twice. */
export async function derivesIds(transport: BulkTransport, index: string): Promise<boolean> {
  const path = pathOf(index, "_settings");
  const answer = await transport.json({ method: "GET", path, query: { flat_settings: true } });
  const indices = Object.values(readAnswer(settingsSchema, answer, { transport, request: `GET ${path}` }));
  return indices.length > 0 && indices.every(({ settings }) => settings["index.mode"] === "time_series");
}
