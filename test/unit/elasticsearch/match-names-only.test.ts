import type { ClusterCatalog, IndexEntry } from "../../../functions/elasticsearch/catalog.ts";
import { chooseIndices } from "../../../functions/elasticsearch/choose-indices.ts";
import { chooseRestored } from "../../../functions/elasticsearch/choose-restored.ts";
import type { ListedIndex } from "../../../functions/elasticsearch/list-indices.ts";

const indices = [
  { name: "app-debug", aliases: ["app"], dataStream: undefined },
  { name: "app-main", aliases: ["app"], dataStream: undefined },
  { name: ".ds-app-logs-000001", aliases: ["app-all"], dataStream: "app-logs" },
];

/** Which of them an expression chooses, at a backup and at a restore. */
function choose(selection: { match?: string; matchRegex?: string; matchNamesOnly?: boolean }) {
  const listed = indices.map(
    ({ dataStream, ...index }): ListedIndex => ({
      ...{ ...index, uuid: index.name, isClosed: false, isHidden: false, isSystem: false },
      ...(dataStream === undefined ? {} : { dataStream }),
    }),
  );
  const entries = indices.map(({ name, aliases, dataStream }) => ({
    ...{ name, aliases: dataStream === undefined ? Object.fromEntries(aliases.map((alias) => [alias, {}])) : {} },
    ...(dataStream === undefined ? {} : { dataStream }),
  })) as unknown as IndexEntry[];
  const catalog = { dataStreamAliases: { "app-all": { "app-logs": {} } } } as unknown as ClusterCatalog;
  const backup = chooseIndices(listed, { ...selection, skipHidden: false, openClosed: false }).chosen.map(({ name }) => name);
  const restore = chooseRestored({ catalog, entries }, { match: undefined, matchRegex: undefined, ...selection }).map(
    ({ entry }) => entry.name,
  );
  return { backup, restore };
}

const both = (...names: string[]) => ({ backup: names, restore: names });

test("an alias chooses its indices, also those that the expression takes out by their own names", () => {
  expect(choose({ matchRegex: "^(?!app-debug|[.]).+" })).toEqual(both("app-debug", "app-main", ".ds-app-logs-000001"));
  expect(choose({ match: "app" })).toEqual(both("app-debug", "app-main"));
});

test("with names only, what an expression takes out stays out; a data stream's name counts", () => {
  expect(choose({ matchRegex: "^(?!app-debug|[.]).+", matchNamesOnly: true })).toEqual(both("app-main", ".ds-app-logs-000001"));
  expect(choose({ match: "app-*,-app-debug", matchNamesOnly: true })).toEqual(both("app-main", ".ds-app-logs-000001"));
  expect(choose({ match: "app-l*", matchNamesOnly: true })).toEqual(both(".ds-app-logs-000001"));
});
