import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Refusals, type RefusedDocument } from "../../../functions/elasticsearch/refusals.ts";

function refused(id: string, more: Partial<RefusedDocument> = {}): RefusedDocument {
  const lines = Buffer.from(`{"index":{"_id":"${id}"}}\n{"n":9223372036854775807,"f":1.0, "t":"ü"}\n`);
  return { index: "books", id, status: 400, type: "document_parsing_exception", reason: "failed to parse field [n]", lines, ...more };
}

async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), "holdfast-refusals-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

test("D10: all are counted, by type too, and twenty are named", async () => {
  await using refusals = await Refusals.open();

  for (let n = 0; n < 25; n += 1) await refusals.add(refused(`d${n}`, { type: n % 5 === 0 ? "rare" : "usual" }));

  expect(refusals.count).toBe(25);
  expect(refusals.first.map(({ id }) => id)).toEqual(Array.from({ length: 20 }, (_, n) => `d${n}`));
  expect(refusals.facts()).toEqual({ refused: 25, refusedByType: { rare: 5, usual: 20 }, firstRefused: refusals.first });
});

test("D10: one refused document is an error at the end, which names it and the reason", async () => {
  await using refusals = await Refusals.open();
  expect(() => refusals.assertNone("http://target:9200")).not.toThrow();

  await refusals.add(refused("d1"));

  expect(() => refusals.assertNone("http://target:9200")).toThrow(
    expect.objectContaining({
      message:
        'http://target:9200 refused document "d1" of index "books": document_parsing_exception: failed to parse field [n]; everything else was written',
      reason: "DocumentsRefused",
      exitCode: 21,
      facts: refusals.facts(),
    }),
  );
});

test.each([
  "[1:6] failed to parse field [n] of type [long] in document with id 'b'. Preview of field's value: 'secret'",
  'For input string: "secret"',
  "failed to parse date field [secret] with format [strict_date]",
  "'secret' is not an IP string literal.",
  "illegal latitude value [secret] for place",
  "Value [secret] is out of range for a long",
  "Numeric value (secret) out of range of long (-9223372036854775808 - 9223372036854775807)",
  "Document contains at least one immense term in field=\"k\". The prefix of the first immense term is: '[secret, 101]...'",
  "The [cosine] similarity does not support vectors with zero magnitude. Preview of invalid vector: [secret]",
  `mapping set to strict, dynamic introduction of [a] is not allowed: ${"secret".padStart(400)}`,
])("names and errors say nothing of a document's content: %s", async (reason) => {
  await using refusals = await Refusals.open();

  await refusals.add(refused("d1", { reason, cause: "secret" }));

  expect(JSON.stringify(refusals.facts())).not.toContain("secret");
  expect(() => refusals.assertNone("t")).toThrow(expect.objectContaining({ message: expect.not.stringContaining("secret") }));
});

test.each([
  "mapping set to strict, dynamic introduction of [more] within [_doc] is not allowed",
  "object mapping for [a] tried to parse field [a] as object, but found a concrete value",
  "Can't merge a non object mapping [a] with an object mapping",
  "[d1]: version conflict, document already exists (current version [1])",
  "limit of total fields [1000] has been exceeded while adding new fields [1]",
])("reasons that quote nothing are told whole: %s", async (reason) => {
  await using refusals = await Refusals.open();

  await refusals.add(refused("d1", { reason }));

  expect(refusals.first[0]?.reason).toBe(reason);
});

test("with a path, every refused document lies in the file as it was sent, with its reason", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "dead-letters.ndjson");
  await using refusals = await Refusals.open(path);

  await Promise.all(Array.from({ length: 200 }, (_, n) => refusals.add(refused(`d${n}`, { reason: "about 'secret'", cause: "inner" }))));
  await refusals.close();

  const lines = (await readFile(path, "utf8")).split("\n");
  expect(lines.pop()).toBe("");
  expect(lines).toHaveLength(200);
  expect(lines[7]).toBe(
    '{"index":"books","status":400,"type":"document_parsing_exception","reason":"about \'secret\'","cause":"inner","action":{"index":{"_id":"d7"}},"source":{"n":9223372036854775807,"f":1.0, "t":"ü"}}',
  );
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(refusals.facts()).toMatchObject({ refused: 200, deadLetters: path });
});

test("a file that exists, or cannot be, is refused before anything is restored", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "there");
  await writeFile(path, "mine");

  await expect(Refusals.open(path)).rejects.toMatchObject({ name: "ParameterError", message: expect.stringContaining("it exists") });
  await expect(Refusals.open(join(folder.path, "no/such/folder"))).rejects.toMatchObject({ name: "ParameterError" });
  expect(await readFile(path, "utf8")).toBe("mine");
});

test("D10: a refused document that cannot be written into the file fails the load, and so do all after it", async () => {
  await using folder = await temporaryFolder();
  const refusals = await Refusals.open(join(folder.path, "dead-letters.ndjson"));
  // As a disk that goes away.
  await refusals[Symbol.asyncDispose]();

  await expect(refusals.add(refused("d1"))).rejects.toMatchObject({ name: "DatabaseRefusedError", reason: "DeadLettersNotWritten" });
  await expect(refusals.add(refused("d2"))).rejects.toMatchObject({ reason: "DeadLettersNotWritten" });
  await expect(refusals.close()).rejects.toThrow();
  expect(refusals.count).toBe(2);
});
