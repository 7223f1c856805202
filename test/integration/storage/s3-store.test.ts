/** @jest-environment ./test/tools/one-realm-environment.cjs */
import { randomUUID } from "node:crypto";
import { Secret } from "../../../runner/secret.ts";
import type { ObjectStore } from "../../../runner/storage/object-store.ts";
import { readObject } from "../../../runner/storage/object-store.ts";
import { openStore } from "../../../runner/storage/open-store.ts";
import { S3Store, type S3StoreOptions } from "../../../runner/storage/s3-store.ts";
import {
  chunksOf,
  collect,
  failingAfter,
  keysOf,
  objectStoreSuite,
  patternBytes,
  putWhileNeighboursAreDeleted,
  type StorePlace,
  stalledAfter,
} from "../../contract/object-store.ts";
import { isMinioWanted, startMinio } from "../../servers/minio.ts";
import type { S3Server } from "../../servers/s3-server.ts";
import { startVersitygw } from "../../servers/versitygw.ts";

const MEBIBYTE = 1024 * 1024;
const BUCKET = "backups";
const NO_RETRIES = { retries: 0, minDelayMs: 0, maxDelayMs: 0, maxElapsedMs: 60_000 };

const servers: [string, () => Promise<S3Server>][] = [
  ["versitygw", () => startVersitygw()],
  ["versitygw over TLS", () => startVersitygw({ tls: true })],
];
if (await isMinioWanted()) servers.push(["MinIO", () => startMinio()], ["MinIO over TLS", () => startMinio({ tls: true })]);

describe.each(servers)("on %s", (name, start) => {
  let server: S3Server;

  beforeAll(async () => {
    server = await start();
    await server.createBucket(BUCKET);
  }, 900_000);

  afterAll(() => server.stop());

  const connection = () => ({
    endpoint: server.endpoint,
    ca: server.ca,
    credentials: { accessKeyId: server.accessKey, secretAccessKey: new Secret(server.secretKey) },
  });
  const open = (options: Partial<S3StoreOptions> = {}) =>
    new S3Store({ ...connection(), bucket: BUCKET, prefix: randomUUID(), retry: NO_RETRIES, ...options });

  const bare = async (): Promise<StorePlace> => place((prefix) => open({ prefix }));
  if (!name.includes("TLS")) {
    objectStoreSuite("S3 store", bare);
    objectStoreSuite("S3 store with the old checksums", async () => place((prefix) => open({ prefix, checksums: "required" })));
  }
  const opened = async (): Promise<StorePlace> =>
    place((prefix) => openStore({ kind: "s3", bucket: BUCKET, prefix, endpoint: server.endpoint }, connection()));
  objectStoreSuite("S3 store as a run opens it", opened);
  // Not of the bare store: versitygw, which keeps folders, answers 409 for a moment when one vanishes under a put.
  putWhileNeighboursAreDeleted(opened);

  test.each([
    ["bytes", Buffer.from("x")],
    ["a stream of several parts", undefined],
  ])("a put of %s leaves no unfinished upload", async (_, bytes) => {
    const prefix = randomUUID();
    const store = open({ prefix });

    await store.put("data/one", bytes ?? chunksOf([patternBytes(20 * MEBIBYTE)]));

    expect(await server.unfinishedUploads(BUCKET, `${prefix}/data/one`)).toBe(0);
  });

  test("a source that fails in the middle leaves no unfinished upload", async () => {
    const prefix = randomUUID();
    const failure = new Error("the dump ended early");

    await expect(open({ prefix }).put("data/one", failingAfter(30 * MEBIBYTE, failure))).rejects.toBe(failure);

    expect(await server.unfinishedUploads(BUCKET, `${prefix}/data/one`)).toBe(0);
  });

  test("an abort in the middle leaves no unfinished upload, and there was one before", async () => {
    const prefix = randomUUID();
    const controller = new AbortController();
    const reason = new Error("stopped");
    const source = stalledAfter(30 * MEBIBYTE);
    const putting = open({ prefix }).put("data/one", source.chunks, { signal: controller.signal });
    putting.catch(() => undefined);
    await source.stalled;
    const before = await server.unfinishedUploads(BUCKET, `${prefix}/data/one`);

    controller.abort(reason);

    await expect(putting).rejects.toBe(reason);
    expect(before).toBe(1);
    expect(await server.unfinishedUploads(BUCKET, `${prefix}/data/one`)).toBe(0);
  });

  test("a create that finds the key taken leaves no unfinished upload", async () => {
    const prefix = randomUUID();
    const store = open({ prefix });
    await store.put("data/one", Buffer.from("first"));

    const second = store.put("data/one", chunksOf([patternBytes(20 * MEBIBYTE)]), { ifAbsent: true });

    await expect(second).rejects.toMatchObject({ name: "AlreadyExistsError" });
    expect(await server.unfinishedUploads(BUCKET, `${prefix}/data/one`)).toBe(0);
  });

  test("an abort while a part is on its way does not wait for it", async () => {
    const controller = new AbortController();
    const reason = new Error("stopped");
    async function* source() {
      for (let i = 0; i < 64; i++) {
        if (i === 20) controller.abort(reason);
        yield patternBytes(MEBIBYTE);
      }
    }

    await expect(open().put("data/one", source(), { signal: controller.signal })).rejects.toBe(reason);
  });

  test("thousands of keys are listed once each, in order, and deleted", async () => {
    const store = open();
    const keys = Array.from({ length: 2_345 }, (_, i) => `data/${String(i).padStart(5, "0")}`);
    for (let at = 0; at < keys.length; at += 50) await Promise.all(keys.slice(at, at + 50).map((key) => store.put(key, Buffer.from("x"))));

    const listed = await keysOf(store, "data/");
    await store.delete(keys);

    expect(listed).toEqual(keys);
    expect(await keysOf(store)).toEqual([]);
  }, 120_000);

  test("foreign objects beside ours are neither listed nor touched", async () => {
    const prefix = randomUUID();
    const store = open({ prefix });
    const { PutObjectCommand } = await import("@aws-sdk/client-s3");
    for (const key of ["a b", "über", ".hidden", "x+y%20"]) {
      await server.client.send(new PutObjectCommand({ Bucket: BUCKET, Key: `${prefix}/${key}`, Body: "theirs" }));
    }
    await store.put("ours", Buffer.from("x"));

    expect(await keysOf(store)).toEqual(["ours"]);
  });

  describe("refusals", () => {
    test.each([
      ["an unknown access key", { accessKeyId: "nobody", secretAccessKey: new Secret("wrong-secret-0123456789") }],
      ["a wrong secret", { accessKeyId: "test-access-key", secretAccessKey: new Secret("wrong-secret-0123456789") }],
    ])("%s is refused by every verb, in words, without the secret", async (_, credentials) => {
      const store = open({ credentials });

      for (const error of await errorsOfEveryVerb(store)) {
        expect(error).toMatchObject({ name: "StoreRefusedError", exitCode: 31, hint: expect.stringContaining("storage secret") });
        expect(describeFully(error)).toContain(`Cannot open bucket "${BUCKET}": the credentials are refused`);
        expect(describeFully(error)).not.toContain("wrong-secret");
        expect(describeFully(error)).not.toContain("AWS4-HMAC");
      }
    });

    test("a missing bucket is refused by every verb, never taken for a missing object", async () => {
      const store = open({ bucket: "no-such-bucket" });

      for (const error of await errorsOfEveryVerb(store)) {
        expect(error).toMatchObject({ name: "StoreRefusedError", message: 'Cannot open bucket "no-such-bucket": it does not exist' });
      }
    });

    test("a store that nobody listens for is unavailable", async () => {
      const store = open({ endpoint: "http://127.0.0.1:1" });

      for (const error of await errorsOfEveryVerb(store)) {
        expect(error).toMatchObject({ name: "StoreUnavailableError", exitCode: 30 });
        expect((error as Error).message).toContain("at http://127.0.0.1:1: connection refused");
      }
    });
  });
});

describe("TLS", () => {
  let server: S3Server;
  let stranger: S3Server;

  beforeAll(async () => {
    server = await startVersitygw({ tls: true });
    stranger = await startVersitygw({ tls: true });
    await server.createBucket(BUCKET);
  }, 900_000);

  afterAll(() => Promise.all([server.stop(), stranger.stop()]));

  const open = (options: Partial<S3StoreOptions>) => {
    const credentials = { accessKeyId: server.accessKey, secretAccessKey: new Secret(server.secretKey) };
    return new S3Store({ endpoint: server.endpoint, credentials, bucket: BUCKET, prefix: randomUUID(), retry: NO_RETRIES, ...options });
  };

  test("an unknown authority is refused, with what to do", async () => {
    for (const ca of [undefined, stranger.ca]) {
      for (const error of await errorsOfEveryVerb(open({ ca }))) {
        expect(error).toMatchObject({ name: "StoreRefusedError", hint: expect.stringContaining("CA_CERT_DATA") });
        expect((error as Error).message).toContain("the server's certificate is not trusted");
      }
    }
  });

  test("insecureTls trusts it all the same", async () => {
    const store = open({ insecureTls: true });

    await store.put("key", Buffer.from("x"));

    expect(await keysOf(store)).toEqual(["key"]);
  });

  test("an endpoint without scheme is spoken to over TLS", async () => {
    const store = open({ endpoint: `127.0.0.1:${server.port}`, ca: server.ca });

    await store.put("key", Buffer.from("x"));

    expect((await readObject(store, "key")).toString()).toBe("x");
  });

  test("TLS to a server that speaks none is refused in words", async () => {
    await using plain = await startVersitygw();

    for (const error of await errorsOfEveryVerb(open({ endpoint: `127.0.0.1:${plain.port}` }))) {
      expect((error as Error).message).toContain("one side speaks TLS and the other does not");
    }
  });

  test("a wrong region is refused by every verb", async () => {
    for (const error of await errorsOfEveryVerb(open({ region: "eu-central-1", ca: server.ca }))) {
      expect(error).toMatchObject({
        name: "StoreRefusedError",
        message: `Cannot open bucket "${BUCKET}": the bucket lies in another region`,
      });
    }
  });
});

function place(openPrefix: (prefix: string) => ObjectStore): StorePlace {
  const id = randomUUID();
  return { open: (prefix) => openPrefix(`${id}/${prefix}`), [Symbol.asyncDispose]: async () => undefined };
}

async function errorsOfEveryVerb(store: ObjectStore): Promise<unknown[]> {
  const outcomes = await Promise.allSettled([
    store.put("key", Buffer.from("x")),
    store.put("key", Buffer.from("x"), { ifAbsent: true }),
    store.put("key", chunksOf([Buffer.from("x")])),
    store.put("key", chunksOf([patternBytes(9 * MEBIBYTE)])),
    readObject(store, "key"),
    readObject(store, "key", { offset: 5, length: 5 }),
    store.stat("key"),
    collect(store.list("")),
    store.delete(["key"]),
  ]);
  return outcomes.map((outcome) => {
    if (outcome.status === "fulfilled") throw new Error("A verb succeeded that must fail");
    return outcome.reason;
  });
}

/** Everything that a log or a report could show of an error: names, messages, properties, causes. */
function describeFully(error: unknown): string {
  const own = error instanceof Error ? Object.getOwnPropertyNames(error).map((name) => [name, Reflect.get(error, name)]) : [];
  const cause = error instanceof Error && error.cause !== undefined ? describeFully(error.cause) : "";
  return `${String(error)} ${JSON.stringify(own)} ${cause}`;
}
