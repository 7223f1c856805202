// Documents that belong together: one hit may stand for several inner ones, and a child must lie on its parent's shard.
import type { SampleDocument } from "./search-nasty-documents.ts";

/** For PUT /index, on every server of the tests. */
export const NESTED_INDEX = {
  settings: { number_of_shards: 2, number_of_replicas: 0 },
  mappings: {
    dynamic: false,
    properties: {
      items: {
        type: "nested",
        properties: { name: { type: "keyword" }, parts: { type: "nested", properties: { size: { type: "long" } } } },
      },
    },
  },
};

/** Six documents with two levels of nested ones: 6 hits, though the index counts more. */
export function nestedDocuments(): SampleDocument[] {
  return Array.from({ length: 6 }, (_, count) => {
    const parts = Array.from({ length: count }, (_, size) => `{"size":${size}.0}`).join();
    const items = Array.from({ length: count }, (_, item) => `{"name":"i${item}","parts":[${parts}]}`).join();
    return sample(`nested ${count}`, `{"items":[${items}],"z":1.0,"a":2}`);
  });
}

/** For PUT /index, on OpenSearch alone: the Elasticsearch of the tests has no joins. */
export const JOIN_INDEX = {
  settings: { number_of_shards: 3, number_of_replicas: 0 },
  mappings: { dynamic: false, properties: { relation: { type: "join", relations: { question: ["answer", "remark"], answer: "vote" } } } },
};

/** Questions with answers and votes below them, all routed by their question, which itself has none. */
export function joinDocuments(): SampleDocument[] {
  return Array.from({ length: 10 }, (_, index) => {
    const question = `question/${index}`;
    return [
      sample(question, `{"relation":"question","n":${index}.0}`),
      sample(`answer ${index}`, `{"relation":{"name":"answer","parent":"${question}"}}`, question),
      sample(`remark ${index}`, `{"relation":{"parent":"${question}","name":"remark"}}`, question),
      sample(`vote ${index}`, `{"relation":{"name":"vote","parent":"answer ${index}"},"up":true}`, question),
    ];
  }).flat();
}

function sample(id: string, text: string, routing?: string): SampleDocument {
  const source = Buffer.from(text);
  return { what: id, id, ...(routing === undefined ? {} : { routing }), source, restored: source };
}
