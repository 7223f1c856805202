import { OBJECT_KINDS, type ObjectKind } from "../../../functions/elasticsearch/cluster-objects.ts";

function read(kind: ObjectKind["kind"], answer: unknown) {
  return OBJECT_KINDS.find((each) => each.kind === kind)?.read(answer);
}

test("Templates lose what the server writes into them itself", () => {
  const template = { index_patterns: ["a*"], version: 2, _meta: { created_date: "mine" } };
  const dates = { created_date_millis: 1, modified_date_millis: 2, created_date: "x", modified_date: "y" };

  const index = read("indexTemplates", { index_templates: [{ name: "t", index_template: { ...template, ...dates } }] });
  const component = read("componentTemplates", { component_templates: [{ name: "c", component_template: { template: {}, ...dates } }] });
  const pipelines = read("ingestPipelines", { p: { processors: [], version: 3, ...dates } });

  expect(index).toEqual({ t: template });
  expect(component).toEqual({ c: { template: {} } });
  expect(pipelines).toEqual({ p: { processors: [], version: 3 } });
});

test("Lifecycle policies keep the policy alone", () => {
  const policy = { phases: { delete: { min_age: "30d", actions: { delete: {} } } }, _meta: { team: "a" } };

  const policies = read("ilmPolicies", { thirty: { version: 4, modified_date: "2026-01-01", policy, in_use_by: { indices: ["a"] } } });

  expect(policies).toEqual({ thirty: { policy } });
});

test("Index state policies keep what can be put again", () => {
  const states = [{ name: "hot", actions: [], transitions: [] }];
  const answer = {
    policies: [
      {
        _id: "keep",
        _seq_no: 7,
        _primary_term: 1,
        policy: {
          ...{
            policy_id: "keep",
            description: "d",
            last_updated_time: 1,
            schema_version: 21,
            error_notification: null,
            default_state: "hot",
          },
          states,
          ism_template: [{ index_patterns: ["a*"], priority: 1, last_updated_time: 1 }],
          user: { name: "admin" },
        },
      },
      { _id: "plain", policy: { policy_id: "plain", default_state: "hot", states, ism_template: null } },
    ],
    total_policies: 2,
  };

  const policies = read("ismPolicies", answer);

  expect(policies).toEqual({
    keep: {
      policy: {
        description: "d",
        error_notification: null,
        default_state: "hot",
        states,
        ism_template: [{ index_patterns: ["a*"], priority: 1 }],
      },
    },
    plain: { policy: { default_state: "hot", states } },
  });
});

test("Enrich policies go under their names", () => {
  const config = {
    match: { name: "users", indices: ["users"], match_field: "email", enrich_fields: ["name"], elasticsearch_version: "8.1.0" },
  };

  const policies = read("enrichPolicies", { policies: [{ config }] });

  expect(policies).toEqual({ users: { match: { indices: ["users"], match_field: "email", enrich_fields: ["name"] } } });
});

test("Stored scripts are wrapped as they are put, and an answer that names no cluster is none", () => {
  const script = { lang: "painless", source: "return 1" };

  expect(read("storedScripts", { cluster_uuid: "u", metadata: { stored_scripts: { s: script } } })).toEqual({ s: { script } });
  expect(read("storedScripts", { cluster_uuid: "u" })).toEqual({});
  expect(() => read("storedScripts", {})).toThrow();
});

test.each(["indexTemplates", "componentTemplates", "ismPolicies", "enrichPolicies"] as const)(
  "An answer of another shape is not taken for no %s",
  (kind) => {
    expect(() => read(kind, {})).toThrow();
    expect(() => read(kind, { message: "ok" })).toThrow();
  },
);

test.each([
  ["ingestPipelines", '{"__proto__":{"processors":[]}}'],
  ["searchPipelines", '{"__proto__":{}}'],
  ["storedScripts", '{"cluster_uuid":"u","metadata":{"stored_scripts":{"__proto__":{"lang":"painless","source":"1"}}}}'],
] as const)("An object of %s whose name cannot be carried is not passed over", (kind, answer) => {
  expect(() => read(kind, JSON.parse(answer))).toThrow('No object may be called \\"__proto__\\"');
});
