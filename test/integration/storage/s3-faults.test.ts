/** @jest-environment ./test/tools/one-realm-environment.cjs */
// Each fault ends in success with the right object, or in an error with a name. Never in a wrong object, never in a lie.
import { randomUUID } from "node:crypto";
import { HoldfastError } from "../../../runner/errors.ts";
import { Secret } from "../../../runner/secret.ts";
import { type ObjectStore, readObject } from "../../../runner/storage/object-store.ts";
import { openStore } from "../../../runner/storage/open-store.ts";
import { S3Store } from "../../../runner/storage/s3-store.ts";
import { chunksOf, expectSame, failingAfter, keysOf, patternBytes } from "../../contract/object-store.ts";
import { type FaultyHttpProxy, type HttpFault, onFirst, startFaultyHttpProxy } from "../../fakes/faulty-http-proxy.ts";
import type { S3Server } from "../../servers/s3-server.ts";
import { startVersitygw } from "../../servers/versitygw.ts";

const MEBIBYTE = 1024 * 1024;
const BUCKET = "backups";
const RETRY = { retries: 4, minDelayMs: 0, maxDelayMs: 0, maxElapsedMs: 60_000 };

let server: S3Server;
let proxy: FaultyHttpProxy;

beforeAll(async () => {
  server = await startVersitygw();
  await server.createBucket(BUCKET);
}, 900_000);

afterAll(() => server.stop());

beforeEach(async () => {
  proxy = await startFaultyHttpProxy(server.port);
});

afterEach(() => proxy[Symbol.asyncDispose]());

function open(options: { prefix?: string; idleTimeoutMs?: number } = {}): ObjectStore {
  const { prefix = randomUUID(), idleTimeoutMs = 500 } = options;
  const credentials = { accessKeyId: server.accessKey, secretAccessKey: new Secret(server.secretKey) };
  return openStore({ kind: "s3", bucket: BUCKET, prefix, endpoint: proxy.endpoint }, { credentials, idleTimeoutMs, retry: RETRY });
}

/** Past the proxy, to see what is really there. */
function openBehind(prefix: string): ObjectStore {
  const credentials = { accessKeyId: server.accessKey, secretAccessKey: new Secret(server.secretKey) };
  return new S3Store({ bucket: BUCKET, prefix, endpoint: server.endpoint, credentials });
}

const small = patternBytes(1_000);
const large = patternBytes(20 * MEBIBYTE);

const passing: [string, HttpFault][] = [
  ["an internal error", { kind: "answer", status: 500, code: "InternalError" }],
  ["a bad gateway", { kind: "answer", status: 502 }],
  ["a request to slow down", { kind: "answer", status: 503, code: "SlowDown" }],
  ["too many requests", { kind: "answer", status: 429, code: "TooManyRequests" }],
  ["a timeout that the store tells", { kind: "answer", status: 400, code: "RequestTimeout" }],
  ["an answer that is lost", { kind: "lose answer" }],
  ["a store that hangs", { kind: "hang" }],
];

describe.each(passing)("%s is ridden out", (_, fault) => {
  test.each([
    ["by a put of bytes", /^PUT .*bytes/],
    ["by a put of bytes, again and again", /^PUT .*bytes/, 3],
  ])("%s, with the right object", async (_, pattern, times = 1) => {
    const prefix = randomUUID();
    proxy.break(onFirst(fault, pattern as RegExp, times));

    const { size } = await open({ prefix }).put("bytes", small, { ifAbsent: true });

    expect(size).toBe(small.length);
    expect(proxy.brokenRequests).toBe(times);
    expectSame(await readObject(openBehind(prefix), "bytes"), small);
  });

  test.each([
    ["at its start", /^POST .*\?uploads/],
    ["at a part", /^PUT .*partNumber=2/],
    ["at its last part", /^PUT .*partNumber=3/],
    ["at its end", /^POST .*\?uploadId=/],
  ])("by a large stream %s, with the right object", async (_, pattern) => {
    const prefix = randomUUID();
    proxy.break(onFirst(fault, pattern));

    const { size } = await open({ prefix }).put("stream", chunksOf([large]), { ifAbsent: true });

    expect(size).toBe(large.length);
    expect(proxy.brokenRequests).toBe(1);
    expectSame(await readObject(openBehind(prefix), "stream"), large);
  });

  test("by a small stream, with the right object", async () => {
    const prefix = randomUUID();
    proxy.break(onFirst(fault, /^PUT/));

    await open({ prefix }).put("stream", chunksOf([small]), { ifAbsent: true });

    expect(proxy.brokenRequests).toBe(1);
    expectSame(await readObject(openBehind(prefix), "stream"), small);
  });

  test("by a stream that one request stores, within a few requests", async () => {
    const prefix = randomUUID();
    const medium = patternBytes(3 * MEBIBYTE);
    proxy.break(onFirst(fault, /^PUT/));

    await open({ prefix }).put("stream", chunksOf([medium]), { ifAbsent: true });

    expect(proxy.brokenRequests).toBe(1);
    expect(proxy.requests.length).toBeLessThanOrEqual(3);
    expectSame(await readObject(openBehind(prefix), "stream"), medium);
  });

  test("by reads, lists and deletes", async () => {
    const prefix = randomUUID();
    const store = open({ prefix });
    await openBehind(prefix).put("data/1", small);

    for (const pattern of [/^GET .*data/, /^HEAD/, /^GET .*list-type/]) {
      proxy.break(onFirst(fault, pattern));
      expect((await readObject(store, "data/1")).equals(small)).toBe(true);
      expect(await store.stat("data/1")).toEqual({ size: small.length });
      expect(await keysOf(store)).toEqual(["data/1"]);
    }
    proxy.break(onFirst(fault, /^POST .*\?delete/));
    await store.delete(["data/1"]);

    expect(proxy.brokenRequests).toBe(4);
    expect(await keysOf(openBehind(prefix))).toEqual([]);
  });
});

describe("a read that breaks", () => {
  test.each<[string, HttpFault]>([
    ["cut at once", { kind: "cut answer", afterBytes: 0 }],
    ["cut in the middle", { kind: "cut answer", afterBytes: 7 * MEBIBYTE + 13 }],
    ["standing still in the middle", { kind: "stall answer", afterBytes: 3 * MEBIBYTE + 1 }],
  ])("%s goes on where it was", async (_, fault) => {
    const prefix = randomUUID();
    await openBehind(prefix).put("big", chunksOf([large]));
    proxy.break(onFirst(fault, /^GET .*big/, 2));

    const read = await readObject(open({ prefix }), "big");

    expect(proxy.brokenRequests).toBe(2);
    expectSame(read, large);
  });

  test("in a range goes on to the range's end and no further", async () => {
    const prefix = randomUUID();
    await openBehind(prefix).put("big", chunksOf([large]));
    proxy.break(onFirst({ kind: "cut answer", afterBytes: 5 * MEBIBYTE }, /^GET .*big/));

    const read = await readObject(open({ prefix }), "big", { offset: 1_000_001, length: 9_999_999 });

    expectSame(read, large.subarray(1_000_001, 11_000_000));
  });

  test("always ends in a named error", async () => {
    const prefix = randomUUID();
    await openBehind(prefix).put("big", chunksOf([large]));
    proxy.break(() => ({ kind: "cut answer", afterBytes: 10_000 }));

    await expect(readObject(open({ prefix }), "big")).rejects.toMatchObject({ name: "StoreUnavailableError", exitCode: 30 });
  });

  test("is never taken for an end: an object that shrank meanwhile fails", async () => {
    const prefix = randomUUID();
    const behind = openBehind(prefix);
    await behind.put("big", chunksOf([large]));
    proxy.break(onFirst({ kind: "cut answer", afterBytes: 7 * MEBIBYTE }, /^GET .*big/));

    const reading = (async () => {
      let isShrunk = false;
      for await (const _ of open({ prefix }).get("big")) {
        if (!isShrunk) await behind.put("big", small);
        isShrunk = true;
      }
    })();

    await expect(reading).rejects.toMatchObject({ name: "StoreUnavailableError" });
  });

  test("turned bits fail the read", async () => {
    const prefix = randomUUID();
    await openBehind(prefix).put("key", small);
    proxy.break(() => ({ kind: "flip answer", atByte: 500 }));

    await expect(readObject(open({ prefix }), "key")).rejects.toMatchObject({ name: "IncompleteError", exitCode: 3 });
  });
});

describe("a write that breaks", () => {
  test("a body cut on its way is sent again", async () => {
    const prefix = randomUUID();
    proxy.break(onFirst({ kind: "cut request", afterBytes: 3 * MEBIBYTE }, /^PUT .*partNumber=1/));

    await open({ prefix }).put("stream", chunksOf([large]));

    expect(proxy.brokenRequests).toBe(1);
    expectSame(await readObject(openBehind(prefix), "stream"), large);
  });

  test("bits turned on their way are refused by the store and sent again", async () => {
    const prefix = randomUUID();
    const store = open({ prefix });
    proxy.break(onFirst({ kind: "flip request", atByte: 500 }, /^PUT .*bytes/));
    await store.put("bytes", small);
    proxy.break(onFirst({ kind: "flip request", atByte: 500 }, /^PUT .*partNumber=2/));
    await store.put("stream", chunksOf([large]));

    expect(proxy.brokenRequests).toBe(2);
    expectSame(await readObject(openBehind(prefix), "bytes"), small);
    expectSame(await readObject(openBehind(prefix), "stream"), large);
  });

  test.each<[string, HttpFault, RegExp]>([
    ["every part is answered by 503", { kind: "answer", status: 503, code: "SlowDown" }, /partNumber/],
    ["the third part is cut each time", { kind: "cut request", afterBytes: 1_000 }, /partNumber=3/],
    ["the last request is answered by 500", { kind: "answer", status: 500 }, /^POST .*\?uploadId/],
    ["the parts hang", { kind: "hang" }, /partNumber/],
  ])("when %s, the put fails by name and leaves nothing", async (_, fault, pattern) => {
    const prefix = randomUUID();
    proxy.break(({ method, url }) => (pattern.test(`${method} ${url}`) ? fault : undefined));

    const failure = await open({ prefix, idleTimeoutMs: 200 })
      .put("stream", chunksOf([large]))
      .catch((error: unknown) => error);

    expect(failure).toMatchObject({ name: "StoreUnavailableError", message: expect.stringContaining('Cannot write object "stream"') });
    expect(await keysOf(openBehind(prefix))).toEqual([]);
    expect(await server.unfinishedUploads(BUCKET, `${prefix}/stream`)).toBe(0);
  });

  test("an abort of the upload that the store fails, or does not keep, is repeated until the upload is gone", async () => {
    for (const fault of [
      { kind: "answer", status: 500 },
      { kind: "answer", status: 204 },
    ] as const) {
      const prefix = randomUUID();
      const failure = new Error("the dump ended early");
      proxy.break(onFirst(fault, /^DELETE .*uploadId/, 2));

      await expect(open({ prefix }).put("stream", failingAfter(20 * MEBIBYTE, failure))).rejects.toBe(failure);

      expect(proxy.requests.filter((request) => request.startsWith("DELETE"))).toHaveLength(fault.status === 500 ? 3 : 6);
      expect(await server.unfinishedUploads(BUCKET, `${prefix}/stream`)).toBe(0);
    }
  });

  test("a failed part stops a put whose source is stalled", async () => {
    const prefix = randomUUID();
    proxy.break(({ url }) => (url.includes("partNumber=1") ? { kind: "answer", status: 403, code: "AccessDenied" } : undefined));
    async function* source() {
      yield large;
      await new Promise<never>(() => undefined);
    }

    await expect(open({ prefix }).put("stream", source())).rejects.toMatchObject({
      name: "StoreRefusedError",
      message: `Cannot write object "stream" in bucket "${BUCKET}": access denied`,
    });
    expect(await server.unfinishedUploads(BUCKET, `${prefix}/stream`)).toBe(0);
  });

  test("when the parts cannot be removed either, the error says that some may be left", async () => {
    const prefix = randomUUID();
    proxy.break(({ method, url }) => (/partNumber=2/.test(url) || method === "DELETE" ? { kind: "answer", status: 503 } : undefined));

    await expect(open({ prefix }).put("stream", chunksOf([large]))).rejects.toMatchObject({
      name: "StoreUnavailableError",
      hint: expect.stringContaining("lifecycle rule"),
    });
  });

  test("somebody else's object is never taken for ours after a lost answer", async () => {
    const prefix = randomUUID();
    const store = open({ prefix });
    await openBehind(prefix).put("bytes", Buffer.from("theirs"));
    await openBehind(prefix).put("stream", Buffer.from("theirs"));
    proxy.break(onFirst({ kind: "answer", status: 500 }, /^PUT/));
    await expect(store.put("bytes", small, { ifAbsent: true })).rejects.toMatchObject({ name: "AlreadyExistsError" });
    proxy.break(onFirst({ kind: "answer", status: 500 }, /^POST .*\?uploadId=/));
    await expect(store.put("stream", chunksOf([large]), { ifAbsent: true })).rejects.toMatchObject({ name: "AlreadyExistsError" });

    expect(proxy.brokenRequests).toBe(2);
    for (const key of ["bytes", "stream"]) expect((await readObject(openBehind(prefix), key)).toString()).toBe("theirs");
  });
});

describe("a server that does not behave", () => {
  test.each<[string, HttpFault]>([
    ["answers a range with another one", { kind: "header", name: "content-range", value: "bytes 0-9/1000" }],
    ["names no range", { kind: "header", name: "content-range", value: undefined }],
  ])("and %s is refused", async (_, fault) => {
    const prefix = randomUUID();
    await openBehind(prefix).put("key", small);
    proxy.break(() => fault);

    await expect(readObject(open({ prefix }), "key", { offset: 100, length: 10 })).rejects.toMatchObject({ name: "StoreRefusedError" });
  });

  test.each([401, 402, 405, 410, 418, 501, 507])("and answers %i by something that is no S3 fails by name", async (status) => {
    proxy.break(() => ({ kind: "answer", status, code: "Nonsense" }));
    const store = open();

    const outcomes = await Promise.allSettled([
      store.stat("key"),
      readObject(store, "key"),
      store.put("key", small),
      store.put("key", chunksOf([large])),
      keysOf(store),
      store.delete(["key"]),
    ]);

    for (const outcome of outcomes) {
      expect(outcome.status === "rejected" && outcome.reason).toBeInstanceOf(HoldfastError);
      expect(outcome).toMatchObject({ reason: { name: "StoreRefusedError" } });
    }
  });

  test("and answers 404 by something that is no S3 is never taken for a missing object", async () => {
    proxy.break(() => ({ kind: "answer", status: 404, code: "PageNotFound" }));
    const store = open();

    await expect(store.stat("key")).rejects.toMatchObject({ name: "StoreRefusedError" });
    await expect(readObject(store, "key")).rejects.toMatchObject({ name: "StoreRefusedError" });
    await expect(keysOf(store)).rejects.toMatchObject({ name: "StoreRefusedError" });
  });

  test("and hangs fails within the bounds of its timeouts and retries", async () => {
    proxy.break(() => ({ kind: "hang" }));
    const store = open({ idleTimeoutMs: 300 });

    await expect(store.stat("key")).rejects.toMatchObject({
      name: "StoreUnavailableError",
      message: expect.stringContaining("no answer in time"),
    });
    expect(proxy.requests).toHaveLength(1 + RETRY.retries);
  });
});
