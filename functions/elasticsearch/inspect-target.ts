import * as z from "zod";
import { DatabaseRefusedError } from "../../runner/errors.ts";
import { OBJECT_KINDS } from "./cluster-objects.ts";
import { isAtLeast, type SearchServer } from "./inspect-server.ts";
import { isManaged, readAll } from "./read-cluster-catalog.ts";
import { readIfThere } from "./read-if-there.ts";
import type { ExistingObject, ExistingTarget, JsonObject, ObjectKind } from "./restore-plan.ts";
import type { SearchTransport } from "./transport.ts";
import { unexpectedAnswer } from "./unexpected-answer.ts";

const backing = z.array(z.object({ index_name: z.string() })).default([]);

const stateAnswer = z.object({
  cluster_uuid: z.string(),
  metadata: z
    .object({
      indices: z.record(z.string(), z.unknown()).default({}),
      data_stream: z
        .object({
          data_stream: z.record(z.string(), z.object({ indices: backing, failure_indices: backing })).default({}),
        })
        .optional(),
    })
    .default({ indices: {} }),
});
const aliasAnswer = z.record(z.string(), z.object({ aliases: z.record(z.string(), z.record(z.string(), z.unknown())).default({}) }));

// The cluster's state names every index, whatever the user may read: lists of names are shortened in silence where rights are missing.
const STATE =
  "cluster_uuid,metadata.indices.*.state,metadata.data_stream.data_stream.*.indices,metadata.data_stream.data_stream.*.failure_indices";

/** Reads the names of everything that a restore could meet, and the content of templates, pipelines, policies and scripts. Changes nothing. */
export async function inspectTarget(transport: SearchTransport, server: SearchServer): Promise<ExistingTarget> {
  const state = await readState(transport);
  const aliases = await readAliases(transport);
  const { objects, unreadable } = await readObjects(transport, server);
  return { description: transport.description, server, ...state, aliases, objects, unreadable };
}

async function readState(transport: SearchTransport): Promise<Pick<ExistingTarget, "indices" | "dataStreams">> {
  const path = "/_cluster/state/metadata";
  const parsed = stateAnswer.safeParse((await transport.json({ method: "GET", path, query: { filter_path: STATE } })).json);
  if (!parsed.success) throw unexpectedAnswer(transport, `GET ${path}`, parsed.error);
  const streamOf = new Map<string, string>();
  const dataStreams = new Map<string, readonly string[]>();
  for (const [name, stream] of Object.entries(parsed.data.metadata.data_stream?.data_stream ?? {})) {
    dataStreams.set(
      name,
      stream.indices.map(({ index_name }) => index_name),
    );
    for (const { index_name } of [...stream.indices, ...stream.failure_indices]) streamOf.set(index_name, name);
  }
  const indices = new Map(Object.keys(parsed.data.metadata.indices).map((name) => [name, { dataStream: streamOf.get(name) }]));
  return { indices, dataStreams };
}

async function readAliases(transport: SearchTransport): Promise<ExistingTarget["aliases"]> {
  const request = { method: "GET", path: "/_alias", query: { expand_wildcards: "all" } } as const;
  const right = "the index privilege view_index_metadata on all indices (OpenSearch: indices:admin/aliases/get)";
  const parsed = aliasAnswer.safeParse(await readIfThere(transport, request, right));
  if (!parsed.success) throw unexpectedAnswer(transport, "GET /_alias", parsed.error);
  const aliases = new Map<string, Map<string, JsonObject>>();
  for (const [holder, held] of Object.entries(parsed.data))
    for (const [alias, attributes] of Object.entries(held.aliases))
      aliases.set(alias, (aliases.get(alias) ?? new Map()).set(holder, attributes));
  return aliases;
}

async function readObjects(transport: SearchTransport, server: SearchServer): Promise<Pick<ExistingTarget, "objects" | "unreadable">> {
  const objects: Partial<Record<ObjectKind, ReadonlyMap<string, ExistingObject>>> = {};
  const unreadable = new Set<ObjectKind>();
  for (const kind of OBJECT_KINDS) {
    const since = kind.since[server.flavour];
    if (since === undefined || !isAtLeast(server, server.flavour, since)) continue;
    try {
      // Some servers answer as if they did not know the kind when there is none of it.
      const found = (await readAll(transport, kind)) ?? {};
      objects[kind.kind] = new Map(Object.entries(found).map(([name, body]) => [name, { body, isManaged: isManaged(name, body) }]));
    } catch (error) {
      // Whether it matters depends on what is restored.
      if (!(error instanceof DatabaseRefusedError) || error.reason !== "PermissionDenied") throw error;
      unreadable.add(kind.kind);
    }
  }
  return { objects, unreadable };
}
