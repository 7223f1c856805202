import { bulkBody, realisticDocument } from "../../tools/search-dataset.ts";

test("the same seed gives the same bytes, however they are cut into requests", () => {
  const whole = bulkBody(7, { from: 0, to: 300 });

  const cut = Buffer.concat([bulkBody(7, { from: 0, to: 1 }), bulkBody(7, { from: 1, to: 200 }), bulkBody(7, { from: 200, to: 300 })]);

  expect(cut.equals(whole)).toBe(true);
  expect(bulkBody(8, { from: 0, to: 300 }).equals(whole)).toBe(false);
});

test("every line of a body is JSON, and no id comes twice", () => {
  const lines = bulkBody(1, { from: 0, to: 2_000 }).toString().trimEnd().split("\n");

  const parsed = lines.map((line) => JSON.parse(line) as { index?: { _id: string } });
  const ids = new Set(parsed.flatMap(({ index }) => index?._id ?? []));

  expect(lines).toHaveLength(4_000);
  expect(ids.size).toBe(2_000);
});

test("a document is about a kilobyte and holds what a parser would change", () => {
  const sources = Array.from({ length: 1_000 }, (_, number) => realisticDocument(1, number).source);
  const bytes = sources.reduce((sum, source) => sum + Buffer.byteLength(source), 0);

  const changed = sources.filter((source) => JSON.stringify(JSON.parse(source)) !== source);

  expect(bytes / 1_000).toBeGreaterThan(700);
  expect(bytes / 1_000).toBeLessThan(1_300);
  expect(changed).toHaveLength(1_000);
});

test("some documents have a routing, most have none", () => {
  const routed = Array.from({ length: 5_000 }, (_, number) => realisticDocument(1, number)).filter(({ routing }) => routing !== undefined);

  expect(routed.length).toBeGreaterThan(50);
  expect(routed.length).toBeLessThan(200);
});
