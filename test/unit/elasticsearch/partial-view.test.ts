import { assertWholeView } from "../../../functions/elasticsearch/partial-view.ts";
import { startScriptedCluster } from "./scripted-cluster.ts";

const PATH = "/_security/user/_privileges";
const ALL = { names: ["*"], privileges: ["read", "monitor"] };
const LOGS = { name: ".ds-logs-000001", aliases: ["recent"], dataStream: "logs" };

test.each<[string, object[]]>([
  ["a query on documents", [{ ...ALL, query: ['{"term":{"a":1}}'] }]],
  ["granted fields", [{ ...ALL, field_security: [{ grant: ["a", "b"] }] }]],
  ["fields taken out", [{ ...ALL, field_security: [{ grant: ["*"], except: ["secret"] }] }]],
  ["a query on the data stream", [{ ...ALL, names: ["logs"], query: ["{}"] }]],
  ["a query on an alias", [{ ...ALL, names: ["rec?nt"], query: ["{}"] }]],
  ["a query on a regular expression", [{ ...ALL, names: ["/nothing/"], query: ["{}"] }]],
  [
    "a whole view of other indices only",
    [
      { ...ALL, names: ["other"] },
      { ...ALL, query: ["{}"] },
    ],
  ],
  [
    "a whole view that does not hold reading",
    [
      { names: ["*"], privileges: ["monitor"] },
      { ...ALL, query: ["{}"] },
    ],
  ],
  [
    "a whole view of what the data stream refused",
    [
      { names: ["*"], privileges: ["read_failure_store", "read_cross_cluster"] },
      { ...ALL, query: ["{}"] },
    ],
  ],
  ["a query on all actions", [{ names: ["*"], privileges: ["indices:*"], query: ["{}"] }]],
  [
    "a whole view by a regular expression, which is not read",
    [
      { ...ALL, names: ["/.*/"] },
      { ...ALL, query: ["{}"] },
    ],
  ],
])("a user who sees a part only is refused, by %s", async (_, indices) => {
  await using cluster = await startScriptedCluster({ [PATH]: { body: { indices } } });

  await expect(assertWholeView(cluster.transport, [LOGS])).rejects.toMatchObject({
    reason: "PartialView",
    exitCode: 21,
    facts: { indices: [".ds-logs-000001"] },
  });
});

test.each<[string, object[]]>([
  ["no restriction", [ALL]],
  ["all fields granted", [{ ...ALL, field_security: [{ grant: ["*"] }] }]],
  ["restrictions on other indices", [ALL, { ...ALL, names: ["other*"], query: ["{}"] }]],
  [
    "a restriction that another role lifts",
    [
      { ...ALL, query: ["{}"] },
      { names: ["logs"], privileges: ["all"] },
    ],
  ],
  [
    "a restriction that another role lifts by its actions",
    [
      { ...ALL, query: ["{}"] },
      { names: ["logs"], privileges: ["indices:data/read/*"] },
    ],
  ],
  ["a restriction on what is no reading", [ALL, { names: ["*"], privileges: ["index"], field_security: [{ grant: ["a"] }] }]],
])("a user who sees all is let pass, with %s", async (_, indices) => {
  await using cluster = await startScriptedCluster({ [PATH]: { body: { indices } } });

  await assertWholeView(cluster.transport, [LOGS]);

  expect(cluster.requests.map(({ url }) => url)).toEqual([PATH]);
});

test.each([400, 403, 404, 405])("a server that does not tell (%d) is let pass", async (status) => {
  await using cluster = await startScriptedCluster({ [PATH]: { status, body: { error: "no" } } });

  await assertWholeView(cluster.transport, [LOGS]);

  expect(cluster.requests.length).toBe(1);
});

test("an answer that is not understood is no permission", async () => {
  await using cluster = await startScriptedCluster({ [PATH]: { body: {} } });

  await expect(assertWholeView(cluster.transport, [LOGS])).rejects.toMatchObject({ reason: "UnexpectedAnswer" });
});
