// plan: all that a restore will do to its target, decided before the first write. held: what an index gets back only when its documents are in.
import type { IndexEntry } from "./catalog.ts";
import type { SearchServer } from "./inspect-server.ts";
import type { IndexFacts } from "./snapshot-facts.ts";

export type JsonObject = Readonly<Record<string, unknown>>;

/** Kinds of cluster objects, as the catalog names them. */
export const objectKinds = [
  "storedScripts",
  "ingestPipelines",
  "searchPipelines",
  "ilmPolicies",
  "ismPolicies",
  "componentTemplates",
  "indexTemplates",
  "legacyTemplates",
  "enrichPolicies",
] as const;

export type ObjectKind = (typeof objectKinds)[number];

export interface ExistingObject {
  /** As its API takes it back. */
  readonly body: JsonObject;
  /** It belongs to the server. */
  readonly isManaged: boolean;
}

/** What is in the target before the restore. */
export interface ExistingTarget {
  readonly description: string;
  readonly server: Pick<SearchServer, "flavour" | "version">;
  /** Name → the data stream it belongs to, if any; closed and hidden ones too. */
  readonly indices: ReadonlyMap<string, { readonly dataStream: string | undefined }>;
  /** Alias → its attributes by index or data stream. */
  readonly aliases: ReadonlyMap<string, ReadonlyMap<string, JsonObject>>;
  /** Data stream → its backing indices, oldest first. */
  readonly dataStreams: ReadonlyMap<string, readonly string[]>;
  /** By kind and name; a kind that the target does not have is absent. */
  readonly objects: Readonly<Partial<Record<ObjectKind, ReadonlyMap<string, ExistingObject>>>>;
  /** Kinds that the user may not read; they are absent from `objects` too. */
  readonly unreadable: ReadonlySet<ObjectKind>;
}

export interface IndexPlan {
  readonly entry: IndexEntry;
  /** Its line in meta/indices.ndjson, from 1. */
  readonly number: number;
  readonly facts: IndexFacts;
  /** Its name in the target. Where documents go through a data stream, the server gives another. */
  readonly target: string;
  readonly action: "create" | "replace" | "skip";
  /** The data stream in the target that it is to belong to. */
  readonly stream: string | undefined;
  readonly loadThrough: "index" | "stream";
  /** The server derives ids and routing from the document: neither may be sent. */
  readonly omitIds: boolean;
  /** What it is created with. */
  readonly creation: { readonly settings: JsonObject; readonly mappings: JsonObject };
  /** Settings by their flat names, for when the documents are in; null resets what only loading needed. */
  readonly held: JsonObject;
  /** `index.blocks.*`, which come last of all. */
  readonly blocks: JsonObject;
}

export interface ObjectPlan {
  readonly kind: ObjectKind;
  readonly name: string;
  readonly body: JsonObject;
  readonly action: "create" | "replace";
  /** Templates come after the indices, which they would change, but before the streams that need them; what acts on documents or aliases comes last. */
  readonly phase: "before-indices" | "before-data" | "after-data" | "last";
}

export interface StreamPlan {
  /** Its name in the snapshot. */
  readonly source: string;
  readonly target: string;
  readonly action: "create" | "replace" | "skip";
  /** migrate: an alias over plain indices becomes the stream. modify: plain indices are added to a new stream. replay: documents go through the stream. */
  readonly method: "migrate" | "modify" | "replay";
  /** Numbers of its indices, oldest first. */
  readonly numbers: readonly number[];
  /** As its API takes it: how long documents are kept. */
  readonly lifecycle: JsonObject | undefined;
}

export interface AliasPlan {
  readonly alias: string;
  /** The index or data stream in the target. */
  readonly target: string;
  readonly attributes: JsonObject;
}

export interface Note {
  /** CamelCase. */
  readonly reason: string;
  readonly message: string;
}

export interface RestorePlan {
  readonly indices: readonly IndexPlan[];
  /** In the order in which they are written; what is in the target identically is absent. */
  readonly objects: readonly ObjectPlan[];
  readonly dataStreams: readonly StreamPlan[];
  readonly aliases: readonly AliasPlan[];
  /** What a person should know although the restore can go on: what is skipped, left, changed. */
  readonly notes: readonly Note[];
  /** Why it must not begin; `assertRestorable` refuses with all of them. */
  readonly faults: readonly Fault[];
}

export interface Fault {
  readonly kind: "exists" | "unrestorable";
  /** "index logs-1". */
  readonly what: string;
  /** Completes the sentence: "exists", "is an alias in the target". */
  readonly why: string;
}
