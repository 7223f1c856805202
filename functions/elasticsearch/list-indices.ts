import * as z from "zod";
import { DatabaseRefusedError, DatabaseUnavailableError } from "../../runner/errors.ts";
import type { SearchServer } from "./inspect-server.ts";
import type { SearchTransport } from "./transport.ts";
import { unexpectedAnswer } from "./unexpected-answer.ts";

/** An index as the cluster's own state tells it, whatever the user may read. */
export interface ListedIndex {
  readonly name: string;
  readonly uuid: string;
  readonly isClosed: boolean;
  /** By its setting; a backing index as its data stream. */
  readonly isHidden: boolean;
  /** The server says that it belongs to one of its features. */
  readonly isSystem: boolean;
  /** Its own, and those of its data stream. */
  readonly aliases: readonly string[];
  readonly dataStream?: string;
  /** The data stream whose failed documents it keeps. */
  readonly failureStoreOf?: string;
  /** What it is more than an ordinary index, as which it is carried. */
  readonly nature?: IndexNature;
}

export type IndexNature = "mounted" | "follower" | "downsampled" | "rollup";

// Lists of names that a user may read are shortened in silence where rights are missing; the cluster's state is whole or refused.
const FIELDS = [
  "cluster_uuid",
  "metadata.indices.*.state",
  "metadata.indices.*.system",
  "metadata.indices.*.aliases",
  "metadata.indices.*.settings.index.uuid",
  "metadata.indices.*.settings.index.hidden",
  "metadata.indices.*.settings.index.store.type",
  "metadata.indices.*.settings.index.downsample",
  "metadata.indices.*.settings.index.rollup",
  "metadata.indices.*.settings.index.xpack.ccr.following_index",
  "metadata.indices.*.settings.index.plugins.replication.follower",
  "metadata.data_stream.data_stream.*.indices",
  "metadata.data_stream.data_stream.*.hidden",
  "metadata.data_stream.data_stream.*.system",
  "metadata.data_stream.data_stream.*.failure_indices",
  "metadata.data_stream.data_stream_aliases.*.data_streams",
].join(",");

const backing = z.array(z.object({ index_name: z.string() })).default([]);
const object = z.record(z.string(), z.unknown());

const indexState = z.object({
  state: z.enum(["open", "close"]),
  system: z.boolean().default(false),
  aliases: z.array(z.string()).default([]),
  settings: z.object({
    index: z.object({
      uuid: z.string(),
      hidden: z.string().optional(),
      store: object.optional(),
      downsample: object.optional(),
      rollup: object.optional(),
      xpack: object.optional(),
      plugins: object.optional(),
    }),
  }),
});

const answer = z.object({
  cluster_uuid: z.string(),
  metadata: z
    .object({
      indices: z.record(z.string(), indexState).default({}),
      data_stream: z
        .object({
          data_stream: z
            .record(
              z.string(),
              z.object({
                indices: backing,
                failure_indices: backing,
                hidden: z.boolean().default(false),
                system: z.boolean().default(false),
              }),
            )
            .default({}),
          data_stream_aliases: z.record(z.string(), z.object({ data_streams: z.array(z.string()).default([]) })).default({}),
        })
        .optional(),
    })
    .default({ indices: {} }),
});

type IndexState = z.infer<typeof indexState>;

interface Membership {
  readonly stream: string;
  readonly isHidden: boolean;
  readonly isSystem: boolean;
  readonly aliases: readonly string[];
  readonly isFailureStore: boolean;
}

/** Every index of the cluster, also hidden, closed and system ones, in order of their names. @throws DatabaseRefusedError when the user may not see the cluster's state */
export async function listIndices(transport: SearchTransport, server: SearchServer): Promise<ListedIndex[]> {
  const { json } = await transport
    .json({ method: "GET", path: "/_cluster/state/metadata", query: { filter_path: FIELDS } })
    .catch(nameTheRight);
  const parsed = answer.safeParse(json);
  if (!parsed.success) throw unexpectedAnswer(transport, "GET /_cluster/state/metadata", parsed.error);
  const { cluster_uuid, metadata } = parsed.data;
  if (cluster_uuid !== server.id)
    throw new DatabaseUnavailableError(`${transport.description} is now another cluster than when the backup began`, {
      reason: "ClusterChanged",
    });
  const streams = memberships(metadata.data_stream);
  return Object.entries(metadata.indices)
    .map(([name, state]) => describe(name, state, streams.get(name)))
    .sort((one, other) => (one.name < other.name ? -1 : 1));
}

function nameTheRight(error: unknown): never {
  if (error instanceof DatabaseRefusedError && error.reason === "PermissionDenied")
    throw new DatabaseRefusedError(error.message, {
      cause: error,
      reason: error.reason,
      facts: error.facts,
      hint: "The user needs the cluster privilege monitor (OpenSearch: cluster_monitor): only the cluster's state names every index",
    });
  throw error;
}

function memberships(data: z.infer<typeof answer>["metadata"]["data_stream"]): Map<string, Membership> {
  const found = new Map<string, Membership>();
  for (const [stream, { indices, failure_indices, hidden, system }] of Object.entries(data?.data_stream ?? {})) {
    const aliases = Object.entries(data?.data_stream_aliases ?? {}).flatMap(([alias, { data_streams }]) =>
      data_streams.includes(stream) ? [alias] : [],
    );
    const common = { stream, isHidden: hidden, isSystem: system, aliases };
    for (const { index_name } of indices) found.set(index_name, { ...common, isFailureStore: false });
    for (const { index_name } of failure_indices) found.set(index_name, { ...common, isFailureStore: true });
  }
  return found;
}

function describe(name: string, { state, system, aliases, settings: { index } }: IndexState, member: Membership | undefined): ListedIndex {
  const nature = natureOf(index);
  return {
    name,
    uuid: index.uuid,
    isClosed: state === "close",
    isHidden: member === undefined ? index.hidden === "true" : member.isHidden,
    isSystem: system || member?.isSystem === true,
    aliases: [...aliases, ...(member?.aliases ?? [])],
    ...(member === undefined ? {} : member.isFailureStore ? { failureStoreOf: member.stream } : { dataStream: member.stream }),
    ...(nature === undefined ? {} : { nature }),
  };
}

function natureOf({ store, xpack, plugins, downsample, rollup }: IndexState["settings"]["index"]): IndexNature | undefined {
  if (store?.type === "snapshot" || store?.type === "remote_snapshot") return "mounted";
  if (xpack !== undefined || plugins !== undefined) return "follower";
  if (downsample !== undefined) return "downsampled";
  return rollup === undefined ? undefined : "rollup";
}
