// Cursors that end, and servers that do: these servers are nobody else's.
import { onFirst, startFaultyHttpProxy } from "../../fakes/faulty-http-proxy.ts";
import { startElasticsearch } from "../../servers/elasticsearch-server.ts";
import { startOpenSearch } from "../../servers/opensearch-server.ts";
import { askServerOk, type SearchServer } from "../../servers/search-server.ts";
import { uniqueName } from "../../servers/search-server-pool.ts";
import { diffIndices, readAll } from "../../tools/search-equality.ts";
import { collect, countContexts, fill, makeIndex, openReader, waitUntilClosed } from "./reading.ts";

const settings = { "search.keep_alive_interval": "100ms" };
const SERVERS = [
  { name: "Elasticsearch 8.19.4", start: () => startElasticsearch({ version: "8.19.4", settings }) },
  {
    name: "OpenSearch 2.19.1",
    start: () => startOpenSearch({ version: "2.19.1", settings: { ...settings, "point_in_time.init.keep_alive": "1s" } }),
  },
];
/** A request that only keeps a point in time alive. */
const RENEWAL = /^POST \/_search\?.*filter_path/;
const PAGES_OF = { "index.max_result_window": 50, number_of_shards: 2 };

describe.each(SERVERS)("$name", ({ start }) => {
  let server: SearchServer;
  beforeAll(async () => {
    server = await start();
  });
  afterAll(() => server[Symbol.asyncDispose]());
  // After each test whatever was opened is closed.
  afterEach(() => waitUntilClosed(server));

  test("cursors live as long as they are waited with, through many times their keep-alive", async () => {
    const name = uniqueName("patient");
    await using _ = await makeIndex(server, name);
    await fill(server, name, 500);
    const before = await readAll(server, name);
    await askServerOk(server, `PUT /${name}/_settings`, JSON.stringify({ "index.max_result_window": 50 }));
    await using reader = await openReader(server.url);
    await using cursors = await reader.open([name], { keepAliveMs: 1_000 });
    await passes(3_500);

    const { content } = await collect(server, { cursors, name }, { onWrite: onceAt100(() => passes(3_500)) });

    expect(diffIndices(before, content)).toEqual([]);
  });

  test("a cursor that expired fails by name, and another run may succeed", async () => {
    const name = uniqueName("expired");
    await using _ = await makeIndex(server, name, PAGES_OF);
    await fill(server, name, 500);
    await using proxy = await startFaultyHttpProxy(server.port);
    proxy.break(onFirst({ kind: "answer", status: 503, body: "" }, RENEWAL, 1_000));
    await using reader = await openReader(proxy.endpoint);
    await using cursors = await reader.open([name], { keepAliveMs: 1_000 });

    const reading = collect(server, { cursors, name }, { onWrite: onceAt100(() => passes(3_500)) });

    await expect(reading).rejects.toMatchObject({ name: "DatabaseUnavailableError", reason: "CursorLost", exitCode: 20 });
    expect(proxy.brokenRequests).toBeGreaterThan(0);
  });

  test("the loss of a cursor that waits fails whatever is read next", async () => {
    const [lost, other] = [uniqueName("lost"), uniqueName("other")];
    await using _ = await makeIndex(server, lost);
    await using __ = await makeIndex(server, other);
    await fill(server, other, 10);
    await using reader = await openReader(server.url);
    await using cursors = await reader.open([lost, other], { keepAliveMs: 1_000 });
    await askServerOk(server, `DELETE /${lost}`);
    await passes(2_000);

    const reading = collect(server, { cursors, name: other });

    await expect(reading).rejects.toMatchObject({ reason: "IndexDeleted", message: expect.stringContaining(lost) });
  });

  test.each(["auto", "scroll"] as const)("an index that is deleted while it is read fails by its name (%s)", async (method) => {
    const name = uniqueName("deleted");
    await using _ = await makeIndex(server, name, PAGES_OF);
    await fill(server, name, 500);
    await using reader = await openReader(server.url);
    await using cursors = await reader.open([name], { method });
    const onWrite = onceAt100(() => askServerOk(server, `DELETE /${name}`));

    const reading = collect(server, { cursors, name }, { onWrite });

    await expect(reading).rejects.toMatchObject({
      name: "IncompleteError",
      reason: "IndexDeleted",
      message: expect.stringContaining(name),
    });
  });

  test("an index that is closed while it is read fails by its name", async () => {
    const name = uniqueName("closed");
    await using _ = await makeIndex(server, name, PAGES_OF);
    await fill(server, name, 500);
    await using reader = await openReader(server.url);
    await using cursors = await reader.open([name]);
    const onWrite = onceAt100(() => askServerOk(server, `POST /${name}/_close`));

    const reading = collect(server, { cursors, name }, { onWrite });

    await expect(reading).rejects.toMatchObject({ name: "IncompleteError", reason: "IndexClosed", message: expect.stringContaining(name) });
  });

  test.each(["auto", "scroll"] as const)(
    "whatever was opened is closed after the reading, after a failure and after an abort (%s)",
    async (method) => {
      const name = uniqueName("left");
      await using _ = await makeIndex(server, name, PAGES_OF);
      await fill(server, name, 500);
      const failure = new Error("the store is full");
      const contexts: number[] = [];
      const run = async (onWrite: (reader: { abort: AbortController }) => Promise<void>) => {
        await using reader = await openReader(server.url);
        await using cursors = await reader.open([name], { method });
        await collect(server, { cursors, name }, { onWrite: () => onWrite(reader) });
      };

      const whole = await settle(run(async () => void contexts.push(await countContexts(server))));
      await waitUntilClosed(server);
      const failed = await settle(run(() => Promise.reject(failure)));
      await waitUntilClosed(server);
      const aborted = await settle(run(async ({ abort }) => abort.abort(failure)));
      await waitUntilClosed(server);

      expect(Math.max(...contexts)).toBeGreaterThan(0);
      expect([whole, failed, aborted]).toEqual([undefined, failure, failure]);
    },
  );

  test("an abort ends the reading at once, although the server is silent", async () => {
    const name = uniqueName("silent");
    await using _ = await makeIndex(server, name, PAGES_OF);
    await fill(server, name, 500);
    await using proxy = await startFaultyHttpProxy(server.port);
    await using reader = await openReader(proxy.endpoint);
    await using cursors = await reader.open([name]);
    const stopped = new Error("stopped");
    proxy.break(({ url }) => {
      if (!url.startsWith("/_search?")) return undefined;
      setImmediate(() => reader.abort.abort(stopped));
      return { kind: "hang" };
    });

    const reading = collect(server, { cursors, name });

    await expect(reading).rejects.toBe(stopped);
  });
});

test("points in time beyond the server's limit are opened when others are closed, and a person is told", async () => {
  await using server = await startOpenSearch({ version: "2.19.1", settings: { "search.max_open_pit_context": "5" } });
  const names = Array.from({ length: 4 }, () => uniqueName("late"));
  for (const name of names) {
    await makeIndex(server, name, { number_of_shards: 3 });
    await fill(server, name, 30);
  }
  await using reader = await openReader(server.url);
  const cursors = await reader.open(names);
  const openedFirst = await countContexts(server);

  const all = await Promise.all(names.map((name) => collect(server, { cursors, name })));

  await cursors[Symbol.asyncDispose]();
  expect(all.map(({ content }) => content.size)).toEqual([30, 30, 30, 30]);
  expect({ openedFirst, warnings: reader.warnings, left: await countContexts(server) }).toEqual({
    openedFirst: 5,
    warnings: ["NotOneInstant"],
    left: 0,
  });
});

test("an index that is made anew before its late cursor is opened is refused", async () => {
  await using server = await startOpenSearch({ version: "2.19.1", settings: { "search.max_open_pit_context": "1" } });
  const [first, second] = ["a", "b"].map((name) => uniqueName(name)) as [string, string];
  await makeIndex(server, first, { number_of_shards: 1 });
  await makeIndex(server, second, { number_of_shards: 1 });
  await using reader = await openReader(server.url);
  await using cursors = await reader.open([first, second]);
  await collect(server, { cursors, name: first });
  await askServerOk(server, `DELETE /${second}`);
  await makeIndex(server, second, { number_of_shards: 1 });

  const opening = cursors.cursorOn(second, 0);

  await expect(opening).rejects.toMatchObject({ name: "IncompleteError", reason: "IndexDeleted" });
});

test("a server that is killed while it is read fails the reading as unavailable", async () => {
  await using server = await startElasticsearch({ version: "8.19.4" });
  const name = uniqueName("killed");
  await makeIndex(server, name, PAGES_OF);
  await fill(server, name, 500);
  await using reader = await openReader(server.url);
  await using cursors = await reader.open([name], { patienceMs: 1_000 });

  const reading = collect(server, { cursors, name }, { onWrite: onceAt100(() => server.kill()) });

  await expect(reading).rejects.toMatchObject({ name: "DatabaseUnavailableError", exitCode: 20 });
});

/** Does it once, in the middle of a reading of 500. */
function onceAt100(work: () => Promise<unknown>): (written: number) => Promise<void> {
  let isDone = false;
  return async (written) => {
    if (isDone || written < 100) return;
    isDone = true;
    await work();
  };
}

async function passes(milliseconds: number): Promise<void> {
  // Not a wait for something that happens: the passing of time is what is tested.
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
}

async function settle(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (error: unknown) => error,
  );
}
