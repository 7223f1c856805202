import type { IndexMarks } from "../../../functions/elasticsearch/read-shard-marks.ts";
import type { IndexFacts, ShardFacts } from "../../../functions/elasticsearch/snapshot-facts.ts";
import { indicesOfBase, isUnchanged } from "../../../functions/elasticsearch/unchanged-index.ts";

const UUID = "uuid-1";
const STREAM = "indices/0001/shard-0.ndjson";

test("an index whose shards all stand where they stood is unchanged", () => {
  expect(isUnchanged(entry(), facts(), marks())).toBe(true);
});

test.each<[string, Partial<IndexMarks["shards"][number]>]>([
  ["an operation was made since", { maxSeqNo: 12, globalCheckpoint: 12 }],
  ["another primary counts, so that numbers may be used again", { primaryTerm: 2 }],
  ["operations are under way", { globalCheckpoint: 10 }],
  ["the shard is another one", { shard: 1 }],
])("an index is read again when %s", (_, difference) => {
  expect(isUnchanged(entry(), facts(), marks(difference))).toBe(false);
});

test.each<[string, Partial<ShardFacts>]>([
  ["operations were under way at the older backup", { globalCheckpoint: 10 }],
  ["the older backup does not know its number", { maxSeqNo: undefined }],
  ["the older backup does not know its primary", { primaryTerm: undefined }],
])("an index is read again when %s", (_, difference) => {
  expect(isUnchanged(entry(), facts({}, difference), marks())).toBe(false);
});

test("an index that was deleted and made again under its name is read again", () => {
  expect(isUnchanged(entry({ uuid: "uuid-2" }), facts(), marks({}, "uuid-2"))).toBe(false);
  expect(isUnchanged(entry(), facts({ uuid: "uuid-2" }), marks())).toBe(false);
  expect(isUnchanged(entry(), facts(), marks({}, "uuid-2"))).toBe(false);
});

test("a source that the server makes from the mapping is read again, whatever the numbers say", () => {
  expect(isUnchanged(entry({ source: "synthetic" }), facts({ source: "synthetic" }), marks())).toBe(false);
  expect(isUnchanged(entry({ source: "filtered" }), facts({ source: "filtered" }), marks())).toBe(false);
});

test("an index without marks, or without an older backup, is read", () => {
  expect(isUnchanged(entry(), facts(), undefined)).toBe(false);
  expect(isUnchanged(entry(), undefined, marks())).toBe(false);
});

test("an index that got another number of shards is read again", () => {
  const two = { ...marks(), shards: [...marks().shards, { shard: 1, primaryTerm: 1, maxSeqNo: 0, globalCheckpoint: 0 }] };

  expect(isUnchanged(entry(), facts(), two)).toBe(false);
});

test("the base offers those indices alone whose streams it really has", () => {
  const base = {
    id: "base",
    facts: { indices: [facts(), facts({ uuid: "uuid-2" }, { streams: ["gone"] })], carried: {} },
    streams: [stream],
  };

  expect([...indicesOfBase(base).keys()]).toEqual([UUID]);
});

test("a base that cannot be understood offers nothing", () => {
  expect(indicesOfBase(undefined).size).toBe(0);
  expect(indicesOfBase({ id: "base", facts: { indices: "many" }, streams: [stream] }).size).toBe(0);
});

const stream = { name: STREAM, mediaType: "application/x-ndjson", rawBytes: 1 };

function entry(difference: Partial<Parameters<typeof isUnchanged>[0]> = {}): Parameters<typeof isUnchanged>[0] {
  return { uuid: UUID, source: "stored", ...difference };
}

function facts(difference: Partial<IndexFacts> = {}, ofShard: Partial<ShardFacts> = {}): IndexFacts {
  const shard = { shard: 0, documents: 3, streams: [STREAM], primaryTerm: 1, maxSeqNo: 11, globalCheckpoint: 11, ...ofShard };
  return { name: "logs", uuid: UUID, source: "stored", documents: 3, digest: "xxh64-sum:0:3", shards: [shard], ...difference };
}

function marks(difference: Partial<IndexMarks["shards"][number]> = {}, uuid: string = UUID): IndexMarks {
  return { uuid, shards: [{ shard: 0, primaryTerm: 1, maxSeqNo: 11, globalCheckpoint: 11, ...difference }] };
}
