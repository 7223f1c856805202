import { OpenedIndices } from "../../../functions/elasticsearch/open-closed-indices.ts";
import { askServerOk, type SearchServer } from "../../servers/search-server.ts";
import { uniqueName, useElasticsearch } from "../../servers/search-server-pool.ts";
import { makeIndex, openReader, settingsOf } from "./reading.ts";

let server: SearchServer;
beforeAll(async () => {
  server = await useElasticsearch("8.19.4");
});
afterAll(() => server[Symbol.asyncDispose]());

test("what was opened is closed again, but never another index that took its name meanwhile", async () => {
  const [same, anew, gone] = [uniqueName("same"), uniqueName("anew"), uniqueName("gone")];
  await using _ = await makeIndex(server, same);
  await using __ = await makeIndex(server, anew);
  await using ___ = await makeIndex(server, gone);
  await askServerOk(server, `POST /${same},${anew},${gone}/_close`);
  await using reader = await openReader(server.url);
  const ignore = () => undefined;
  const warned: string[] = [];
  const opened = new OpenedIndices(reader.transport, {
    waitTimeoutMs: 10_000,
    log: { debug: ignore, info: ignore, warn: ignore, error: ignore },
    warn: (reason) => void warned.push(reason),
  });
  const identify = async (name: string) => ({ name, uuid: String((await settingsOf(server, name))["index.uuid"]) });

  await opened.open([await identify(same), await identify(anew), await identify(gone)]);
  const whileOpen = [await stateOf(same), await stateOf(anew), await stateOf(gone)];
  await askServerOk(server, `DELETE /${anew},${gone}`);
  await using ____ = await makeIndex(server, anew);
  await opened[Symbol.asyncDispose]();

  expect(whileOpen).toEqual(["open", "open", "open"]);
  expect([await stateOf(same), await stateOf(anew)]).toEqual(["close", "open"]);
  expect(warned).toEqual([]);
});

async function stateOf(name: string): Promise<string | undefined> {
  const answer = await askServerOk(server, `GET /_cluster/state/metadata/${name}?filter_path=metadata.indices.*.state`);
  return (JSON.parse(answer.toString()) as { metadata: { indices: Record<string, { state: string }> } }).metadata.indices[name]?.state;
}
