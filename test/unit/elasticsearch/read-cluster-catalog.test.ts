import { readClusterCatalog } from "../../../functions/elasticsearch/read-cluster-catalog.ts";
import { answerJson, openTransport, startScriptedHttp } from "./scripted-http-server.ts";

type Answers = Readonly<Record<string, (query: URLSearchParams) => unknown>>;

/** A server that has nothing but what is given. */
const EMPTY: Answers = {
  "/_component_template": () => ({ component_templates: [] }),
  "/_index_template": () => ({ index_templates: [] }),
  "/_template": () => ({}),
  "/_ingest/pipeline": () => ({}),
  "/_search/pipeline": () => ({}),
  "/_cluster/state/metadata": () => ({ cluster_uuid: "u" }),
};

async function read(flavour: "elasticsearch" | "opensearch", answers: Answers, without?: string) {
  const all: Answers = { ...EMPTY, ...answers };
  await using http = await startScriptedHttp((request, response) => {
    const { pathname, searchParams } = new URL(request.url, "http://localhost");
    const answer = pathname === without ? undefined : all[pathname];
    if (answer === undefined) answerJson(response, { error: `no handler found for uri [${pathname}] and method [GET]` }, 400);
    else answerJson(response, answer(searchParams));
  });
  await using transport = openTransport(http.port);
  const server = { flavour, version: flavour === "opensearch" ? "2.19.1" : "8.19.4", id: "u", clusterName: "c", dataNodes: 1 };
  return await readClusterCatalog(transport, server, { chosen: [] });
}

/** Pages of policies, as many as are asked for, twenty when nothing is said. */
const policies =
  (count: number, told = count) =>
  (query: URLSearchParams) => {
    const all = Array.from({ length: count }, (_, at) => ({ _id: `p${at}`, policy: { policy_id: `p${at}`, states: [] } }));
    const from = Number(query.get("from") ?? 0);
    return { policies: all.slice(from, from + Number(query.get("size") ?? 20)), total_policies: told };
  };

test("index state policies are read to the last page, and that attachments are not carried is said", async () => {
  const { catalog, notCarried } = await read("opensearch", { "/_plugins/_ism/policies": policies(1_203) });

  expect(Object.keys(catalog.ismPolicies)).toHaveLength(1_203);
  expect(notCarried.map(({ name }) => name)).toEqual(["index-state-policy:attachments"]);
});

test("fewer policies than the server counts fail the catalog", async () => {
  const reading = read("opensearch", { "/_plugins/_ism/policies": policies(3, 4) });

  await expect(reading).rejects.toMatchObject({ reason: "UnexpectedAnswer" });
});

test("what is managed or a feature's is passed over, what only begins with a dot is not", async () => {
  const template = (name: string, rest = {}) => ({ name, index_template: { index_patterns: ["x"], ...rest } });
  const { catalog, notCarried } = await read("elasticsearch", {
    "/_index_template": () => ({
      index_templates: [template("logs", { _meta: { managed: true } }), template(".ml-state"), template(".mine"), template("mine")],
    }),
    "/_ilm/policy": () => ({ logs: { policy: { phases: {}, _meta: { managed: true } } }, mine: { policy: { phases: {} } } }),
  });

  expect(Object.keys(catalog.indexTemplates)).toEqual([".mine", "mine"]);
  expect(Object.keys(catalog.ilmPolicies)).toEqual(["mine"]);
  expect(notCarried).toEqual([
    { name: "index-template:managed", reason: expect.stringMatching(/: \.ml-state, logs$/) },
    { name: "lifecycle-policy:managed", reason: expect.stringMatching(/: logs$/) },
  ]);
});

test("a kind that every server of the version has is missed by name where it is not offered", async () => {
  const { notCarried } = await read("elasticsearch", {}, "/_index_template");

  expect(notCarried).toEqual([
    { name: "index-template:*", reason: "The server, or a proxy before it, does not offer GET /_index_template" },
  ]);
});
