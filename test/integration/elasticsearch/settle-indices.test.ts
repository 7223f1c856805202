import { type SettleOptions, settleIndices } from "../../../functions/elasticsearch/settle-indices.ts";
import { askServerOk, type SearchServer } from "../../servers/search-server.ts";
import { uniqueName, useElasticsearch, useOpenSearch } from "../../servers/search-server-pool.ts";
import { fill, makeIndex, openReader, type Reader, settingsOf } from "./reading.ts";

const SERVERS = [
  { name: "Elasticsearch 8.19.4", use: () => useElasticsearch("8.19.4") },
  { name: "OpenSearch 2.19.1", use: () => useOpenSearch("2.19.1") },
];

describe.each(SERVERS)("$name", ({ use }) => {
  let server: SearchServer;
  beforeAll(async () => {
    server = await use();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  /** `open` is where a test changes the cluster between the two lists. */
  function settle(reader: Reader, prefix: string, open: SettleOptions["open"]) {
    const ignore = () => undefined;
    const parameters = { match: `${prefix}*`, matchRegex: undefined, skipHidden: false, openClosed: true, skipSourceless: false };
    return settleIndices(reader.transport, reader.server, {
      parameters: { ...parameters, cursor: "auto" },
      keepAliveMs: 60_000,
      signal: reader.abort.signal,
      log: { debug: ignore, info: ignore, warn: ignore, error: ignore },
      warn: ignore,
      open,
    });
  }

  async function makeClosed(name: string): Promise<AsyncDisposable> {
    const made = await makeIndex(server, name);
    await askServerOk(server, `POST /${name}/_close`);
    return made;
  }

  const openIndices: SettleOptions["open"] = async (indices) => {
    for (const { name } of indices) await askServerOk(server, `POST /${name}/_open?wait_for_active_shards=1`);
  };

  test("an index that comes while closed ones are opened is chosen too, and those are still told as closed", async () => {
    const prefix = uniqueName("settle");
    await using _ = await makeClosed(`${prefix}-closed`);
    await using reader = await openReader(server.url);
    const made = new AsyncDisposableStack();
    await using __ = made;
    const opened: string[] = [];

    const settled = await settle(reader, prefix, async (indices) => {
      opened.push(...indices.map(({ name }) => name));
      await openIndices(indices);
      made.use(await makeIndex(server, `${prefix}-new`));
    });
    await using cursors = settled.cursors;

    expect(opened).toEqual([`${prefix}-closed`]);
    expect(settled.entries.map(({ name, isClosed }) => [name, isClosed])).toEqual([
      [`${prefix}-closed`, true],
      [`${prefix}-new`, false],
    ]);
    expect([cursors.has(`${prefix}-closed`), cursors.has(`${prefix}-new`)]).toEqual([true, true]);
  });

  test("an index that is made anew meanwhile is the new one everywhere, and one that goes is nowhere", async () => {
    const prefix = uniqueName("settle");
    const [anew, gone] = [`${prefix}-anew`, `${prefix}-gone`];
    await using _ = await makeClosed(`${prefix}-closed`);
    await using __ = await makeIndex(server, anew);
    await using ___ = await makeIndex(server, gone);
    await fill(server, anew, 5);
    await using reader = await openReader(server.url);

    const settled = await settle(reader, prefix, async (indices) => {
      await openIndices(indices);
      await askServerOk(server, `DELETE /${anew},${gone}`);
      await makeIndex(server, anew);
    });
    await using cursors = settled.cursors;

    const uuid = (await settingsOf(server, anew))["index.uuid"];
    expect(settled.entries.map(({ name }) => name)).toEqual([anew, `${prefix}-closed`]);
    expect(settled.entries[0]?.uuid).toBe(uuid);
    expect(cursors.uuidOf(anew)).toBe(uuid);
    expect([settled.marksBefore.get(anew)?.uuid, settled.marksAfter.get(anew)?.uuid]).toEqual([uuid, uuid]);
    expect(cursors.has(gone)).toBe(false);
  });

  test("a cluster that never stays as it was listed is given up by name", async () => {
    const prefix = uniqueName("settle");
    await using _ = await makeClosed(`${prefix}-closed`);
    await using reader = await openReader(server.url);

    const settling = settle(reader, prefix, async () => undefined);

    await expect(settling).rejects.toMatchObject({ name: "DatabaseUnavailableError", reason: "IndicesNotSettled" });
  });
});
