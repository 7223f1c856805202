import {
  nastyDocuments,
  rawByteDocuments,
  restoredContent,
  storedContent,
  unreadableDocument,
} from "../../tools/search-nasty-documents.ts";

const documents = nastyDocuments();

test("no two documents are one in an index", () => {
  const all = [...documents, ...rawByteDocuments(), unreadableDocument()];

  expect(storedContent(all).size).toBe(all.length);
});

test.each(documents)("$what: its restored form is valid JSON on one line, of the same length", ({ source, restored }) => {
  const text = restored.toString();

  expect(text).not.toMatch(/[\r\n]/);
  expect(() => JSON.parse(text)).not.toThrow();
  expect(restored).toHaveLength(source.length);
});

test("only documents with comments or line breaks are restored otherwise than they were", () => {
  const changed = documents.filter(({ source, restored }) => !source.equals(restored)).map(({ what }) => what);

  expect(changed).toEqual([
    "several lines",
    "line breaks around it",
    "comments",
    "comments to the end of a line",
    "comments and strings that look like them",
  ]);
  expect(restoredContent(documents).size).toBe(documents.length);
});

test("ids go up to the 512 bytes that a server takes", () => {
  expect(Math.max(...documents.map(({ id }) => Buffer.byteLength(id)))).toBe(512);
});
