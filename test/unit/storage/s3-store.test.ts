/** @jest-environment ./test/tools/one-realm-environment.cjs */
// Answers that no good server gives: what the store makes of them. Everything else runs on real servers, in test/integration/storage.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Secret } from "../../../runner/secret.ts";
import { readObject } from "../../../runner/storage/object-store.ts";
import { S3Store } from "../../../runner/storage/s3-store.ts";
import { chunksOf, keysOf, patternBytes } from "../../contract/object-store.ts";

let server: Server;
let answer: (request: string, response: ServerResponse, whole: { headers: IncomingMessage["headers"]; body: string }) => void;

beforeEach(async () => {
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.once("end", () => {
      const whole = { headers: request.headers, body: Buffer.concat(chunks).toString("latin1") };
      answer(`${request.method} ${request.url}`, response, whole);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function open(retries = 0): S3Store {
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const credentials = { accessKeyId: "key", secretAccessKey: new Secret("secret") };
  return new S3Store({
    endpoint,
    bucket: "backups",
    prefix: "p",
    credentials,
    retry: { retries, minDelayMs: 0, maxDelayMs: 0, maxElapsedMs: 1000 },
  });
}

function listPage(keys: readonly string[], rest = "<IsTruncated>false</IsTruncated>"): string {
  const contents = keys.map((key) => `<Contents><Key>p/${key}</Key><Size>1</Size></Contents>`);
  return `<?xml version="1.0"?><ListBucketResult>${rest}${contents.join("")}</ListBucketResult>`;
}

test.each([
  ["out of order", ["b", "a"]],
  ["twice", ["a", "a"]],
])("a list that gives keys %s is refused", async (_, keys) => {
  answer = (_request, response) => response.end(listPage(keys));

  await expect(keysOf(open())).rejects.toMatchObject({ name: "StoreRefusedError" });
});

test("a list that is not at its end and names no next page is refused", async () => {
  answer = (_request, response) => response.end(listPage(["a"], "<IsTruncated>true</IsTruncated>"));

  await expect(keysOf(open())).rejects.toMatchObject({ name: "StoreRefusedError" });
});

test("a list that gives the same page again and again is refused", async () => {
  const next = "<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>";
  answer = (_request, response) => response.end(listPage(["a", "b"], next));

  await expect(keysOf(open())).rejects.toMatchObject({ name: "StoreRefusedError" });
});

test("a list that is cut off at any byte is an error, never a shorter list", async () => {
  const page = listPage(["a", "b"]);
  const lengths = Array.from({ length: page.length }, (_, i) => i);
  const store = open();

  for (const length of lengths) {
    answer = (_request, response) => response.end(page.slice(0, length));
    await expect(keysOf(store)).rejects.toMatchObject({ name: expect.stringMatching(/^Store(Unavailable|Refused)Error$/) });
  }
});

test.each(["", "<html>Welcome</html>", '<?xml version="1.0"?><Error/>'])(
  "whoever answers every request by 200 and %j is not believed",
  async (text) => {
    answer = (_request, response) => response.end(text);
    const store = open();
    const outcomes = await Promise.allSettled([
      store.put("key", Buffer.from("x")),
      store.put("key", chunksOf([Buffer.from("x")])),
      store.put("key", chunksOf([patternBytes(9 * 1024 * 1024)])),
      keysOf(store),
      store.delete(["key"]),
    ]);

    for (const outcome of outcomes) expect(outcome).toMatchObject({ reason: { name: "StoreUnavailableError" } });
  },
);

test.each([
  [403, "StoreRefusedError"],
  [404, "StoreRefusedError"],
  [413, "StoreRefusedError"],
  [500, "StoreUnavailableError"],
  [502, "StoreUnavailableError"],
  [504, "StoreUnavailableError"],
])("a gateway's page with status %i has a name in every verb", async (status, name) => {
  answer = (_request, response) => response.writeHead(status, { "content-type": "text/html" }).end("<html><body>Sorry</body>");
  const store = open();

  const outcomes = await Promise.allSettled([
    store.put("key", Buffer.from("x")),
    store.put("key", chunksOf([patternBytes(9 * 1024 * 1024)])),
    readObject(store, "key"),
    store.stat("key"),
    keysOf(store),
    store.delete(["key"]),
  ]);

  for (const outcome of outcomes) expect(outcome).toMatchObject({ reason: { name } });
});

test("a range that is shorter than it must be is refused", async () => {
  answer = (_request, response) =>
    response.writeHead(206, { "content-range": "bytes 100-104/1000", "content-length": "5", etag: '"e"' }).end("short");

  await expect(readObject(open(), "key", { offset: 100, length: 10 })).rejects.toMatchObject({ name: "StoreRefusedError" });
});

test("an object without an announced length is not believed", async () => {
  answer = (_request, response) => {
    response.write("half");
    response.end();
  };

  await expect(readObject(open(), "key")).rejects.toMatchObject({ name: "StoreUnavailableError" });
});

test.each([
  ["AccessDenied", "StoreRefusedError"],
  ["InvalidRequest", "StoreRefusedError"],
  ["SlowDown", "StoreUnavailableError"],
  ["InternalError", "StoreUnavailableError"],
])("a delete of which one key fails with %s fails, naming the key", async (code, name) => {
  const error = `<Error><Key>p/data/2</Key><Code>${code}</Code><Message>Object is WORM protected</Message></Error>`;
  answer = (_request, response) => response.end(`<?xml version="1.0"?><DeleteResult>${error}</DeleteResult>`);

  await expect(open().delete(["data/1", "data/2"])).rejects.toMatchObject({
    name,
    message: 'Cannot delete 1 of 2 objects in bucket "backups", the first "data/2": Object is WORM protected',
  });
});

test("a delete of which one key is missing is fine", async () => {
  answer = (_request, response) =>
    response.end('<?xml version="1.0"?><DeleteResult><Error><Key>p/1</Key><Code>NoSuchKey</Code></Error></DeleteResult>');

  await expect(open().delete(["1"])).resolves.toBeUndefined();
});

const gone = '<?xml version="1.0"?><Error><Code>NoSuchUpload</Code><Message>Gone</Message></Error>';

/** An upload is gone as soon as it is aborted, and nothing lies under the key. */
function answerAborted(request: string, response: ServerResponse): void {
  if (request.startsWith("DELETE")) response.writeHead(204).end();
  else response.writeHead(404).end(request.startsWith("GET") ? gone : undefined);
}

test("a last request that answers 200 with an error inside is a failure", async () => {
  answer = (request, response) => {
    if (/^POST .*\?uploads/.test(request)) {
      response.end('<?xml version="1.0"?><InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>');
    } else if (request.startsWith("PUT")) {
      response.writeHead(200, { etag: '"e"' }).end();
    } else if (request.startsWith("POST")) {
      response.end('<?xml version="1.0"?><Error><Code>InternalError</Code><Message>Late</Message></Error>');
    } else answerAborted(request, response);
  };

  await expect(open().put("key", chunksOf([patternBytes(9 * 1024 * 1024)]))).rejects.toMatchObject({ name: "StoreUnavailableError" });
});

test("a part that is confirmed without a tag is not believed", async () => {
  answer = (request, response) => {
    if (/^POST .*\?uploads/.test(request)) {
      response.end('<?xml version="1.0"?><InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>');
    } else if (request.startsWith("PUT")) {
      response.writeHead(200).end();
    } else answerAborted(request, response);
  };

  await expect(open().put("key", chunksOf([patternBytes(9 * 1024 * 1024)]))).rejects.toMatchObject({ name: "StoreUnavailableError" });
});

describe("when the answer to the last request of an upload is lost", () => {
  /** Completes nothing: what lies under the key carries `token`, the upload's own unless given. */
  function answerLast(last: (nth: number, response: ServerResponse) => void, token?: string): void {
    let own = "";
    let nth = 0;
    answer = (request, response, { headers }) => {
      if (/^POST .*\?uploads/.test(request)) {
        own = String(headers["x-amz-meta-holdfast-upload"]);
        response.end('<?xml version="1.0"?><InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>');
      } else if (request.startsWith("PUT")) {
        response.writeHead(200, { etag: '"e"' }).end();
      } else if (request.startsWith("POST")) {
        last(++nth, response);
      } else if (request.startsWith("HEAD")) {
        response.writeHead(200, { "content-length": "1", "x-amz-meta-holdfast-upload": token ?? own }).end();
      } else answerAborted(request, response);
    };
  }

  const thenGone = (nth: number, response: ServerResponse) =>
    nth === 1 ? response.writeHead(500).end() : response.writeHead(404).end(gone);
  const never = (_: number, response: ServerResponse) => response.writeHead(500).end();
  const put = () => open(2).put("key", chunksOf([patternBytes(9 * 1024 * 1024)]), { ifAbsent: true });

  test.each([
    ["and the upload is gone then", thenGone],
    ["and never comes", never],
  ])("%s, our token under the key means success", async (_, last) => {
    answerLast(last);

    await expect(put()).resolves.toEqual({ size: 9 * 1024 * 1024 });
  });

  test.each([
    ["and the upload is gone then", thenGone],
    ["and never comes", never],
  ])("%s, another token means failure", async (_, last) => {
    answerLast(last, "somebody-else");

    await expect(put()).rejects.toMatchObject({ name: "StoreUnavailableError" });
  });

  test("an upload that is gone is not asked for again and again", async () => {
    let asked = 0;
    answerLast((_, response) => {
      asked++;
      response.writeHead(404).end(gone);
    }, "somebody-else");

    await expect(put()).rejects.toMatchObject({ name: "StoreUnavailableError" });
    expect(asked).toBe(1);
  });
});

test("a delete names at most a thousand keys in one request, and each key once", async () => {
  const named: string[][] = [];
  answer = (_request, response, { body }) => {
    const keys = [...body.matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, key]) => key ?? "");
    named.push(keys);
    response.end(`<?xml version="1.0"?><DeleteResult>${keys.map((key) => `<Deleted><Key>${key}</Key></Deleted>`).join("")}</DeleteResult>`);
  };
  const keys = Array.from({ length: 2_500 }, (_, i) => `data/${i}`);

  await open().delete(keys);

  expect(named.map((batch) => batch.length)).toEqual([1000, 1000, 500]);
  expect(named.flat()).toEqual(keys.map((key) => `p/${key}`));
});
