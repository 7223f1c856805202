import { readDataStreams } from "../../../functions/elasticsearch/read-data-streams.ts";
import { answerJson, openTransport, startScriptedHttp } from "./scripted-http-server.ts";

const server = { flavour: "elasticsearch", version: "8.19.4", id: "u", clusterName: "c", dataNodes: 1 } as const;
const chosen = [
  { name: ".ds-logs-000001", dataStream: "logs" },
  { name: ".ds-logs-000002", dataStream: "logs" },
  { name: "plain", dataStream: undefined },
].map(({ dataStream, ...index }) => (dataStream === undefined ? index : { ...index, dataStream }));

/** As Elasticsearch's reference has them: the tests' distribution lacks the module. */
const stream = {
  ...{ name: "logs", timestamp_field: { name: "@timestamp" }, generation: 3, status: "GREEN", template: "logs-template" },
  indices: [
    { index_name: ".ds-logs-000001", index_uuid: "a", prefer_ilm: true, managed_by: "Unmanaged" },
    { index_name: ".ds-logs-000002", index_uuid: "b" },
    { index_name: ".ds-logs-000003", index_uuid: "c" },
  ],
  ...{ next_generation_managed_by: "Data stream lifecycle", prefer_ilm: true, ilm_policy: "x", hidden: true, system: false },
  ...{ allow_custom_routing: false, replicated: false, rollover_on_write: false, _meta: { team: "a" } },
  ...{ lifecycle: { enabled: true, data_retention: "7d" }, failure_store: { enabled: true, indices: [{ index_name: ".fs-logs" }] } },
};

test("a data stream is carried with what its users set, its chosen indices and its aliases", async () => {
  const attributes = { filter: { term: { a: 1 } }, is_write_index: true };
  const aliases = { logs: { aliases: { all: attributes, some: {} } }, ".ds-logs-000001": { aliases: { other: {} } } };
  await using http = await startScriptedHttp(({ url }, response) =>
    answerJson(response, url.startsWith("/_data_stream/logs") ? { data_streams: [stream] } : aliases),
  );
  await using transport = openTransport(http.port);

  const { dataStreams, dataStreamAliases } = await readDataStreams(transport, server, chosen);

  expect(dataStreams).toEqual({
    logs: {
      ...{ template: "logs-template", generation: 3, timestampField: "@timestamp", isHidden: true },
      indices: [".ds-logs-000001", ".ds-logs-000002"],
      other: {
        ...{ allow_custom_routing: false, _meta: { team: "a" } },
        ...{ lifecycle: { enabled: true, data_retention: "7d" }, failure_store: { enabled: true } },
      },
    },
  });
  expect(dataStreamAliases).toEqual({ all: { logs: attributes }, some: { logs: {} } });
});

test("without a data stream nothing is asked, so that servers without the module are not", async () => {
  await using http = await startScriptedHttp((_, response) => answerJson(response, {}, 500));
  await using transport = openTransport(http.port);

  await expect(readDataStreams(transport, server, [{ name: "plain" }])).resolves.toEqual({ dataStreams: {}, dataStreamAliases: {} });
  expect(http.requests).toEqual([]);
});

test.each([
  ["is not told", { data_streams: [] }],
  ["no longer has a chosen index", { data_streams: [{ ...stream, indices: stream.indices.slice(1) }] }],
])("a data stream that %s fails the catalog", async (_, answer) => {
  await using http = await startScriptedHttp(({ url }, response) => answerJson(response, url.startsWith("/_data_stream") ? answer : {}));
  await using transport = openTransport(http.port);

  await expect(readDataStreams(transport, server, chosen)).rejects.toMatchObject({ reason: "ClusterChanged" });
});
