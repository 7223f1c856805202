import { assertSelection } from "../../../functions/elasticsearch/assert-selection.ts";
import { chooseIndices, type IndexSelection } from "../../../functions/elasticsearch/choose-indices.ts";
import type { ListedIndex } from "../../../functions/elasticsearch/list-indices.ts";
import { ParameterError } from "../../../runner/errors.ts";

function index(name: string, rest: Partial<ListedIndex> = {}): ListedIndex {
  return { name, uuid: `uuid-${name}`, isClosed: false, isHidden: false, isSystem: false, aliases: [], ...rest };
}

const INDICES = [
  index("orders", { aliases: ["sales"] }),
  index("old", { isClosed: true }),
  index(".ds-logs-1", { dataStream: "logs", isHidden: true }),
];

function judge(selection: Partial<IndexSelection>, indices: readonly ListedIndex[] = INDICES): unknown {
  const whole = { skipHidden: false, openClosed: false, ...selection };
  try {
    return assertSelection(indices, whole, chooseIndices(indices, whole));
  } catch (error) {
    return error;
  }
}

test.each<Partial<IndexSelection>>([
  {},
  { match: "orders" },
  { match: "sales" },
  { match: "logs" },
  { match: " orders , nothing-* ,-old" },
  { match: "orders,old" },
  { matchRegex: "ORD" },
])("%j chooses something", (selection) => {
  expect(judge(selection)).toBeUndefined();
});

test("without a selection a server may be empty", () => {
  expect(judge({}, [])).toBeUndefined();
});

test.each<[Partial<IndexSelection>, RegExp, RegExp]>([
  [{ match: "orders,custmers,-old" }, /names what is not there: custmers$/, /one without must be/],
  [{ match: "orders,sales", matchNamesOnly: true }, /names what is not there: sales$/, /./],
  [{ match: "custmers-*" }, /No index of the server is chosen/, /It holds \.ds-logs-1, old, orders$/],
  [{ match: "orders", matchRegex: "^x" }, /No index/, /It holds/],
  [{ match: "ol*" }, /No index/, /^Left out: old \(It is closed; --open-closed opens it/],
])("%j is refused, and told what there is", (selection, message, hint) => {
  const error = judge(selection);

  expect(error).toBeInstanceOf(ParameterError);
  expect(error).toMatchObject({ message: expect.stringMatching(message), hint: expect.stringMatching(hint) });
});

test("a selection on an empty server is refused too", () => {
  expect(judge({ match: "*" }, [])).toMatchObject({ hint: "It holds none" });
});
