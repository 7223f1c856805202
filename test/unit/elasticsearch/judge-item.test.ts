import type { BulkItem } from "../../../functions/elasticsearch/bulk-answer.ts";
import { type ItemContext, judgeItem } from "../../../functions/elasticsearch/judge-item.ts";

function judge(status: number, error?: readonly [type: string, reason?: string], context: Partial<ItemContext> = {}) {
  const item: BulkItem = error === undefined ? { status } : { status, error: { type: error[0], reason: error[1] ?? "", cause: undefined } };
  return judgeItem(item, { index: "books", action: "index", isUncertain: false, description: "http://target:9200", ...context });
}

const FLOOD = "[TOO_MANY_REQUESTS/12/disk usage exceeded flood-stage watermark, index has read-only-allow-delete block]";

test("only what was written counts as accepted", () => {
  expect(judge(201)).toBe("accepted");
  expect(judge(200)).toBe("overwritten");
  expect(judge(200, undefined, { isUncertain: true })).toBe("accepted");
  expect([202, 204, 299, 300, 304].map((status) => judge(status))).toEqual(Array(5).fill("refused"));
});

test("what time may heal is sent again", () => {
  expect(judge(429, ["es_rejected_execution_exception"])).toBe("no-room");
  expect(judge(429, ["circuit_breaking_exception"])).toBe("no-room");
  expect(judge(503, ["unavailable_shards_exception"])).toBe("no-room");
  expect(judge(503, ["cluster_block_exception", "blocked by: [SERVICE_UNAVAILABLE/2/no master];"])).toBe("no-room");
  expect(judge(500, ["node_closed_exception"])).toBe("failed");
});

test("the block of a full disk is told from other blocks, in old and new versions", () => {
  expect(judge(429, ["cluster_block_exception", `index [books] blocked by: ${FLOOD};`])).toBe("disk-full");
  expect(judge(403, ["cluster_block_exception", "blocked by: [FORBIDDEN/12/index read-only / allow delete (api)];"])).toBe("disk-full");
  expect(() => judge(403, ["cluster_block_exception", "blocked by: [FORBIDDEN/8/index write (api)];"])).toThrow(
    expect.objectContaining({ reason: "TargetBlocked" }),
  );
});

test("D10: a document that is there is refused, unless it may be the one that was sent before", () => {
  const conflict = ["version_conflict_engine_exception", "[1]: version conflict, document already exists"] as const;

  expect(judge(409, conflict)).toBe("refused");
  expect(judge(409, conflict, { action: "create" })).toBe("refused");
  expect(judge(409, conflict, { isUncertain: true })).toBe("refused");
  expect(judge(409, conflict, { action: "create", isUncertain: true })).toBe("accepted");
});

test("D10: what is wrong with one document refuses this one alone", () => {
  const types = [
    "document_parsing_exception",
    "mapper_parsing_exception",
    "strict_dynamic_mapping_exception",
    "routing_missing_exception",
    "",
  ];

  expect(types.map((type) => judge(400, [type]))).toEqual(types.map(() => "refused"));
  expect(judge(413, ["request_too_large"])).toBe("refused");
});
