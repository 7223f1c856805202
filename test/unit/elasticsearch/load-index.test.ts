import { BulkCutter } from "../../../functions/elasticsearch/bulk-cutter.ts";
import type { LoadStream } from "../../../functions/elasticsearch/load-request.ts";
import { HoldfastError, IncompleteError } from "../../../runner/errors.ts";
import { hitLine, idsOf, loadScene, streamOf } from "./load-scene.ts";
import { ScriptedBulkTarget } from "./scripted-bulk-target.ts";

const NO_ROOM = { status: 429, type: "es_rejected_execution_exception", reason: "rejected execution of coordinating operation" };

test("every line of all streams arrives, with what was read and its digest", async () => {
  const streams = [streamOf(250, { name: "a", prefix: "a" }), streamOf(30, { name: "b", prefix: "b" })];
  const target = new ScriptedBulkTarget();
  const scene = await loadScene(target, streams, { bodyBytes: 2000 });

  const loaded = await scene.load();

  const digests = await Promise.all(streams.map(digestOf));
  expect(loaded).toMatchObject({
    documents: 280,
    refused: 0,
    overwritten: 0,
    retriedItems: 0,
    read: 280,
    digest: digests[0]! + digests[1]!,
  });
  expect(loaded.streams.toSorted((left, right) => left.name.localeCompare(right.name))).toEqual([
    { name: "a", read: 250, digest: digests[0] },
    { name: "b", read: 30, digest: digests[1] },
  ]);
  expect([...target.documents.keys()].sort()).toEqual([...idsOf(250, "a"), ...idsOf(30, "b")]);
  expect(target.documents.get("a7")).toBe('{"n":"a7","t":""}');
  expect(target.calls.length).toBeGreaterThan(5);
  expect(scene.accepted.documents).toBe(280);
  expect(scene.accepted.bytes).toBe(target.calls.reduce((sum, { bytes }) => sum + bytes, 0));
});

test("requests go to the index without pipeline and refresh, and ask for what proves every item", async () => {
  const target = new ScriptedBulkTarget();
  const scene = await loadScene(target, [streamOf(1)]);

  await scene.load({ index: "büch/er" });

  expect(target.calls.map(({ path, query }) => [path, query])).toEqual([
    [
      "/b%C3%BCch%2Fer/_bulk",
      {
        refresh: false,
        pipeline: "_none",
        filter_path: "took,errors,items.*.status,items.*.error.type,items.*.error.reason,items.*.error.caused_by",
      },
    ],
  ]);
});

test("a load of nothing sends nothing", async () => {
  const target = new ScriptedBulkTarget();
  const scene = await loadScene(target, [streamOf(0), streamOf(0, { name: "b" })]);

  const loaded = await scene.load();

  expect(loaded).toMatchObject({ documents: 0, read: 0, digest: 0n });
  expect(target.calls).toEqual([]);
});

test("D10: items that are rejected for want of room are sent again, alone, until they are taken", async () => {
  const target = new ScriptedBulkTarget(({ nth }) =>
    nth <= 3 ? { items: (_, place) => (place % 2 === 0 ? NO_ROOM : undefined) } : undefined,
  );
  const scene = await loadScene(target, [streamOf(10)]);

  const loaded = await scene.load();

  expect(target.calls.map(({ documents }) => documents.map(({ id }) => id))).toEqual([
    ["d0", "d1", "d2", "d3", "d4", "d5", "d6", "d7", "d8", "d9"],
    ["d0", "d2", "d4", "d6", "d8"],
    ["d0", "d4", "d8"],
    ["d0", "d8"],
  ]);
  expect(loaded).toMatchObject({ documents: 10, refused: 0, overwritten: 0, retriedItems: 10 });
  expect([...target.documents.keys()].sort()).toEqual(idsOf(10));
  expect(target.documents.get("d8")).toBe('{"n":"d8","t":""}');
});

test.each([429, 502, 503, 504, 500, 408])("a whole request that is answered with %d is sent again", async (status) => {
  const target = new ScriptedBulkTarget(({ nth }) => (nth <= 2 ? { status } : undefined));
  const scene = await loadScene(target, [streamOf(10)]);

  const loaded = await scene.load();

  expect(target.calls.map(({ documents }) => documents.length)).toEqual([10, 10, 10]);
  expect(loaded).toMatchObject({ documents: 10, retriedItems: 20, overwritten: 0 });
});

test.each(["before", "after"] as const)("an answer that is lost %s the documents were taken leaves each of them once", async (lost) => {
  const target = new ScriptedBulkTarget(({ nth }) => (nth === 1 ? { lost } : undefined));
  const scene = await loadScene(target, [streamOf(10)]);

  const loaded = await scene.load();

  expect(loaded).toMatchObject({ documents: 10, refused: 0, overwritten: 0, retriedItems: 10 });
  expect([...target.documents.keys()].sort()).toEqual(idsOf(10));
});

test.each([
  ["cut in the middle", (own: string) => own.slice(0, -20)],
  ["empty", () => ""],
  ["a proxy's", () => "<html>"],
  ["an object without items", () => '{"took":1,"errors":false}'],
])("an answer that is %s is taken for lost", async (_, answer) => {
  const target = new ScriptedBulkTarget(({ nth }) => (nth === 1 ? { answer } : undefined));
  const scene = await loadScene(target, [streamOf(10)]);

  const loaded = await scene.load();

  expect(loaded).toMatchObject({ documents: 10, overwritten: 0, retriedItems: 10 });
});

test.each([
  ["one item too few", (own: string) => JSON.stringify({ ...JSON.parse(own), items: JSON.parse(own).items.slice(1) })],
  [
    "one item too many",
    (own: string) => JSON.stringify({ ...JSON.parse(own), items: [...JSON.parse(own).items, { index: { status: 201 } }] }),
  ],
  ["no items at all", (own: string) => JSON.stringify({ ...JSON.parse(own), items: [] })],
  ["an item without a status", (own: string) => own.replace('{"status":201}', "{}")],
  ["errors that no item has", (own: string) => own.replace('"errors":false', '"errors":true')],
  ["an item's error that it denies", (own: string) => own.replace('"status":201', '"status":400')],
])("D10: an answer with %s fails the load, whatever it says of success", async (_, answer) => {
  const target = new ScriptedBulkTarget(() => ({ answer }));
  const scene = await loadScene(target, [streamOf(10)]);

  await expect(scene.load()).rejects.toMatchObject({ name: "IncompleteError", reason: "AnswerIncomplete" });
});

test("D10: documents that the target refuses are counted and named, and everything else is written", async () => {
  const fault = {
    status: 400,
    type: "document_parsing_exception",
    reason: "[1:6] failed to parse field [n]. Preview of field's value: 'secret'",
  };
  const target = new ScriptedBulkTarget(() => ({ items: ({ id }) => (id === "d3" || id === "d7" ? fault : undefined) }));
  const scene = await loadScene(target, [streamOf(10)]);

  const loaded = await scene.load();

  expect(loaded).toMatchObject({ documents: 8, refused: 2, read: 10, retriedItems: 0 });
  expect(scene.refusals.count).toBe(2);
  expect(scene.refusals.first.map(({ index, id, status, type }) => [index, id, status, type])).toEqual([
    ["books", "d3", 400, "document_parsing_exception"],
    ["books", "d7", 400, "document_parsing_exception"],
  ]);
  expect(JSON.stringify([scene.refusals.facts(), scene.logged])).not.toContain("secret");
  expect(scene.logged).toEqual([
    { level: "warn", message: "The target refuses documents", fields: { index: "books", status: 400, type: "document_parsing_exception" } },
  ]);
  expect(scene.accepted.documents).toBe(8);
});

test("an index that refuses everything ends the load early", async () => {
  const target = new ScriptedBulkTarget(() => ({ items: () => ({ status: 400, type: "strict_dynamic_mapping_exception" }) }));
  const scene = await loadScene(target, [streamOf(12_000)], { bodyBytes: 20_000, requests: 1 });

  await expect(scene.load()).rejects.toMatchObject({ name: "DatabaseRefusedError", reason: "DocumentsRefused" });
  expect(scene.refusals.count).toBeGreaterThanOrEqual(10_000);
  expect(scene.refusals.count).toBeLessThan(11_000);
});

test("create meets a document that is there: it is refused, unless it may be our own from a request whose answer was lost", async () => {
  const target = new ScriptedBulkTarget(({ nth }) => (nth === 1 ? { lost: "after" } : undefined));
  const other = new ScriptedBulkTarget();
  other.documents.set("d3", "another");
  const [ours, others] = [await loadScene(target, [streamOf(10)]), await loadScene(other, [streamOf(10)])];

  const [loaded, refused] = [await ours.load({ action: "create" }), await others.load({ action: "create" })];

  expect(loaded).toMatchObject({ documents: 10, refused: 0 });
  expect(target.documents.size).toBe(10);
  expect(refused).toMatchObject({ documents: 9, refused: 1 });
  expect(others.refusals.first).toMatchObject([{ id: "d3", status: 409 }]);
  expect(other.documents.get("d3")).toBe("another");
});

test("documents that took another's place are told, repetitions of ours are not", async () => {
  const target = new ScriptedBulkTarget(({ nth }) => (nth === 2 ? { lost: "after" } : undefined));
  target.documents.set("d3", "another");
  const scene = await loadScene(target, [streamOf(10), streamOf(10, { prefix: "e" })], { requests: 1 });

  const loaded = await scene.load({ ordered: true });

  expect(loaded).toMatchObject({ documents: 20, overwritten: 1 });
});

test("a request that is too large is split until it passes, and bodies stay below that size", async () => {
  const target = new ScriptedBulkTarget(({ bytes }) => (bytes > 1500 ? { status: 413 } : undefined));
  const scene = await loadScene(target, [streamOf(400)], { bodyBytes: 8000, requests: 1 });

  const loaded = await scene.load();

  expect(loaded).toMatchObject({ documents: 400, refused: 0 });
  expect(target.documents.size).toBe(400);
  expect(target.documents.get("d399")).toBe('{"n":"d399","t":""}');
});

test("one document that is too large for the target is refused by name", async () => {
  const lines = async function* () {
    yield Buffer.from(hitLine("small") + hitLine("huge", 5000) + hitLine("tiny"));
  };
  const target = new ScriptedBulkTarget(({ bytes }) => (bytes > 1500 ? { status: 413 } : undefined));
  const scene = await loadScene(target, [{ name: "s", lines }]);

  const loaded = await scene.load();

  expect(loaded).toMatchObject({ documents: 2, refused: 1 });
  expect([...target.documents.keys()].sort()).toEqual(["small", "tiny"]);
  expect(scene.refusals.first).toMatchObject([{ id: "huge", status: 413, type: "request_too_large" }]);
});

test("requests that are cut off again and again are split, for a proxy may take none that large", async () => {
  const target = new ScriptedBulkTarget(({ bytes }) => (bytes > 600_000 ? { lost: "before" } : undefined));
  const scene = await loadScene(target, [streamOf(2000, { pad: 1000 })], { requests: 1 });

  const loaded = await scene.load();

  expect(loaded).toMatchObject({ documents: 2000, overwritten: 0 });
  expect(target.documents.size).toBe(2000);
});

test("a failure of the target at one document is repeated some times, and then refused", async () => {
  const target = new ScriptedBulkTarget(() => ({
    items: ({ id }) => (id === "d4" ? { status: 500, type: "null_pointer_exception" } : undefined),
  }));
  const passing = new ScriptedBulkTarget(({ nth }) =>
    nth <= 3 ? { items: () => ({ status: 500, type: "node_closed_exception" }) } : undefined,
  );
  const [broken, healed] = [await loadScene(target, [streamOf(10)]), await loadScene(passing, [streamOf(10)])];

  const [refused, loaded] = [await broken.load(), await healed.load()];

  expect(refused).toMatchObject({ documents: 9, refused: 1 });
  expect(broken.refusals.first).toMatchObject([{ id: "d4", status: 500 }]);
  expect(loaded).toMatchObject({ documents: 10, refused: 0 });
});

test("R16: a target that takes nothing for too long ends the load, with its last answer as the cause", async () => {
  const target = new ScriptedBulkTarget(({ nth }) => (nth === 1 ? undefined : { items: () => NO_ROOM }));
  const scene = await loadScene(target, [streamOf(10), streamOf(10, { prefix: "e" })], { stallLimitMs: 20 });

  const failure = scene.load();

  await expect(failure).rejects.toMatchObject({ name: "DatabaseUnavailableError", reason: "TargetOverloaded" });
  await expect(failure).rejects.toHaveProperty(
    "cause.message",
    'http://target:9200 answers 429 to documents of "books": es_rejected_execution_exception',
  );
});

test("a full disk is waited for, but not for long", async () => {
  const block = {
    status: 429,
    type: "cluster_block_exception",
    reason:
      "index [books] blocked by: [TOO_MANY_REQUESTS/12/disk usage exceeded flood-stage watermark, index has read-only-allow-delete block];",
  };
  const full = new ScriptedBulkTarget(() => ({ items: () => block }));
  const cleared = new ScriptedBulkTarget(({ nth }) => (nth <= 5 ? { items: () => block } : undefined));
  const [refused, passing] = [await loadScene(full, [streamOf(10)], { diskPatienceMs: 20 }), await loadScene(cleared, [streamOf(10)])];

  await expect(refused.load()).rejects.toMatchObject({ name: "DatabaseRefusedError", reason: "TargetDiskFull" });
  await expect(passing.load()).resolves.toMatchObject({ documents: 10, refused: 0 });
});

test.each([
  ["TargetBlocked", { status: 403, type: "cluster_block_exception", reason: "index [books] blocked by: [FORBIDDEN/8/index write (api)];" }],
  ["PermissionDenied", { status: 403, type: "security_exception", reason: "action [indices:data/write/bulk[s]] is unauthorized" }],
  ["TargetIndexGone", { status: 404, type: "index_not_found_exception", reason: "no such index [books]" }],
  ["TargetIndexClosed", { status: 400, type: "index_closed_exception", reason: "closed" }],
])("what every document would meet ends the load: %s", async (reason, fault) => {
  const target = new ScriptedBulkTarget(() => ({ items: () => fault }));
  const scene = await loadScene(target, [streamOf(10)]);

  await expect(scene.load()).rejects.toMatchObject({ name: "DatabaseRefusedError", reason });
  expect(scene.refusals.count).toBe(0);
});

test.each([401, 403, 404, 405, 400])("a whole request that is answered with %d ends the load at once", async (status) => {
  const target = new ScriptedBulkTarget(() => ({ status, type: "some_exception" }));
  const scene = await loadScene(target, [streamOf(10)]);

  await expect(scene.load()).rejects.toMatchObject({ name: "DatabaseRefusedError", facts: { server: { status } } });
  expect(target.calls).toHaveLength(1);
});

describe("documents without ids", () => {
  test("go without routing too, and are sent again when the target derives their ids", async () => {
    const lines = async function* () {
      yield Buffer.from('{"_index":"o","_id":"x","_routing":"r","_source":{"a":1}}\n{"_index":"o","_id":"y","_source":{"a":2}}\n');
    };
    const target = new ScriptedBulkTarget(({ nth }) => (nth === 1 ? { lost: "after" } : undefined));
    target.mode = "time_series";
    const scene = await loadScene(target, [{ name: "s", lines }]);

    const loaded = await scene.load({ omitIds: true });

    expect(target.calls[0]?.documents).toEqual([
      { id: undefined, routing: undefined, source: '{"a":1}' },
      { id: undefined, routing: undefined, source: '{"a":2}' },
    ]);
    expect(loaded).toMatchObject({ documents: 2, overwritten: 0 });
    expect(target.documents.size).toBe(2);
  });

  test("are not sent again where they would be there twice", async () => {
    const target = new ScriptedBulkTarget(({ nth }) => (nth === 1 ? { lost: "after" } : undefined));
    const scene = await loadScene(target, [streamOf(10)]);

    await expect(scene.load({ omitIds: true })).rejects.toMatchObject({ name: "IncompleteError", reason: "AnswerLost" });
    expect(target.documents.size).toBe(10);
  });
});

test("ordered streams follow each other, each begun when the one before was answered", async () => {
  const target = new ScriptedBulkTarget(({ nth }) => (nth === 2 ? { items: () => NO_ROOM } : undefined));
  const opened: [string, number][] = [];
  const watched = (stream: LoadStream): LoadStream => ({
    ...stream,
    lines: () => {
      opened.push([stream.name, target.documents.size]);
      return stream.lines();
    },
  });
  const streams = ["a", "b", "c"].map((name) => watched(streamOf(60, { name, prefix: name })));
  const scene = await loadScene(target, streams, { bodyBytes: 1000 });

  await scene.load({ ordered: true });

  expect(opened).toEqual([
    ["a", 0],
    ["b", 60],
    ["c", 120],
  ]);
});

test("never more requests are in flight than the gate allows", async () => {
  let inFlight = 0;
  const seen: number[] = [];
  const target = new ScriptedBulkTarget();
  target.arrived = async () => {
    inFlight += 1;
    seen.push(inFlight);
    await new Promise((resolve) => setImmediate(resolve));
    inFlight -= 1;
  };
  const scene = await loadScene(target, [streamOf(500), streamOf(500, { prefix: "e" })], { requests: 3, bodyBytes: 1000 });

  await scene.load();

  expect(Math.max(...seen)).toBe(3);
  expect(target.documents.size).toBe(1000);
});

test("while the target does not answer, no more is read than the gate's bodies hold", async () => {
  const stop = new AbortController();
  let read = 0;
  const endless = async function* () {
    for (; ; read += 1) yield Buffer.from(hitLine(`d${read}`, 100));
  };
  const target = new ScriptedBulkTarget();
  const { promise: silence, reject: breakSilence } = Promise.withResolvers<void>();
  target.arrived = () => silence;
  const scene = await loadScene(target, [{ name: "a", lines: endless }], { requests: 2, bodyBytes: 1600, signal: stop.signal });

  const load = scene.load();
  load.catch(() => undefined);
  await waitForQuiet(() => read);

  expect(target.calls).toHaveLength(2);
  // Three bodies of ten or eleven documents.
  expect(read).toBeLessThan(40);
  stop.abort(new Error("stopped"));
  breakSilence(new Error("stopped"));
  await expect(load).rejects.toThrow("stopped");
});

test("a stream that is damaged fails the load by its name", async () => {
  const lines = async function* () {
    yield Buffer.from(`${hitLine("a")}{"_id":"b","_source":\n${hitLine("c")}`);
  };
  const scene = await loadScene(new ScriptedBulkTarget(), [{ name: "indices/0007/shard-1.ndjson", lines }]);

  const failure = scene.load();

  await expect(failure).rejects.toBeInstanceOf(IncompleteError);
  await expect(failure).rejects.toThrow('Stream "indices/0007/shard-1.ndjson" of the snapshot holds what is no document: Line 2');
});

test("a stream that fails ends the load with its own error, and nothing is under way afterwards", async () => {
  const broken = new Error("the store went away");
  let isClosed = false;
  const failing = async function* () {
    yield Buffer.from(hitLine("a"));
    throw broken;
  };
  const endless = async function* () {
    try {
      for (let n = 0; ; n += 1) yield Buffer.from(hitLine(`e${n}`));
    } finally {
      isClosed = true;
    }
  };
  let inFlight = 0;
  const target = new ScriptedBulkTarget();
  target.arrived = async () => {
    inFlight += 1;
    await new Promise((resolve) => setImmediate(resolve));
    inFlight -= 1;
  };
  const scene = await loadScene(
    target,
    [
      { name: "a", lines: failing },
      { name: "b", lines: endless },
    ],
    { bodyBytes: 1000 },
  );

  await expect(scene.load()).rejects.toBe(broken);
  expect([isClosed, inFlight]).toEqual([true, 0]);
});

test("the first failure of one load ends the others that share it, and tells whoever holds their requests", async () => {
  const failure = new AbortController();
  const refusing = new ScriptedBulkTarget(() => ({ status: 403 }));
  const silent = new ScriptedBulkTarget();
  // As a transport does whose requests end with the failure.
  silent.arrived = () => new Promise((_, reject) => failure.signal.addEventListener("abort", () => reject(failure.signal.reason)));
  const other = await loadScene(silent, [streamOf(10)], { failure });
  const scene = await loadScene(refusing, [streamOf(10)], { failure });

  const waiting = expect(other.load()).rejects.toMatchObject({ reason: "PermissionDenied" });
  await expect(scene.load()).rejects.toMatchObject({ reason: "PermissionDenied" });

  await waiting;
  expect(failure.signal.reason).toMatchObject({ reason: "PermissionDenied" });
});

test("an aborted run ends the load with the run's reason, also between repetitions", async () => {
  const stop = new AbortController();
  const reason = new Error("stopped");
  const target = new ScriptedBulkTarget(() => ({ status: 429 }));
  target.arrived = ({ nth }) => {
    if (nth === 2) setImmediate(() => stop.abort(reason));
  };
  const scene = await loadScene(target, [streamOf(10)], { signal: stop.signal, backoffMs: (n) => (n === 1 ? 0 : 3_600_000) });

  await expect(scene.load()).rejects.toBe(reason);
});

test("no failure quotes a document", async () => {
  const target = new ScriptedBulkTarget(({ documents }) => ({ answer: () => `<html>${documents[0]?.source}` }));
  const scene = await loadScene(target, [streamOf(1, { prefix: "secret-" })], { stallLimitMs: 5 });

  const error: unknown = await scene.load().catch((thrown: unknown) => thrown);

  expect(error).toBeInstanceOf(HoldfastError);
  expect(textOf(error)).not.toContain("secret-");
});

function textOf(error: unknown): string {
  const parts: string[] = [];
  for (let current = error; current instanceof Error; current = current.cause)
    parts.push(current.message, String(Reflect.get(current, "hint")));
  return parts.join("\n");
}

/** Resolves once the value has stayed as it is for many turns of the event loop. */
async function waitForQuiet(value: () => number): Promise<void> {
  for (let turns = 0, last = value(); turns < 100; turns += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    if (value() !== last) turns = 0;
    last = value();
  }
}

async function digestOf(stream: LoadStream): Promise<bigint> {
  const cutter = new BulkCutter({ targetBytes: 1_000_000, action: "index" });
  for await (const body of cutter.cut(stream.lines())) body.release();
  return cutter.digest;
}
