import * as z from "zod";
import { IncompleteError } from "../../runner/errors.ts";
import type { SnapshotReader } from "../../runner/function.ts";
import { CLUSTER_STREAM, clusterCatalogSchema, INDICES_STREAM, indexEntrySchema } from "./catalog.ts";
import { parseExactJson } from "./exact-json.ts";
import type { RestorableSnapshot } from "./plan-restore.ts";
import { readSnapshotFacts } from "./snapshot-facts.ts";

/** Reads what a snapshot holds beside documents. @throws IncompleteError when it contradicts itself, or was not made by es-backup as we know it */
export async function readRestorable(snapshot: SnapshotReader): Promise<RestorableSnapshot> {
  const facts = readSnapshotFacts(snapshot.facts);
  const catalog = parse(clusterCatalogSchema, await readText(snapshot, CLUSTER_STREAM), snapshot);
  const lines = (await readText(snapshot, INDICES_STREAM)).split("\n").slice(0, -1);
  const entries = lines.map((line) => parse(indexEntrySchema, line, snapshot));
  const isSame = entries.length === facts.indices.length && entries.every(({ name }, at) => name === facts.indices[at]?.name);
  if (!isSame)
    throw new IncompleteError(`Snapshot "${snapshot.id}" does not describe the same indices twice`, {
      reason: "SnapshotContradictsItself",
    });
  return { catalog, entries, facts };
}

async function readText(snapshot: SnapshotReader, stream: string): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of snapshot.stream(stream)) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString("utf8");
}

function parse<T>(schema: z.ZodType<T>, text: string, snapshot: SnapshotReader): T {
  const parsed = schema.safeParse(parseExactJson(text));
  if (parsed.success) return parsed.data;
  throw new IncompleteError(
    `Snapshot "${snapshot.id}" describes its indices in a way that is not known: ${z.prettifyError(parsed.error)}`,
    {
      reason: "NotASearchSnapshot",
    },
  );
}
