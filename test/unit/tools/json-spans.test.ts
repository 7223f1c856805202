import fc from "fast-check";
import { elementsAt, membersAt, skipBlanks, valueAt } from "../../tools/json-spans.ts";

const slice = (text: string, { start, end }: { start: number; end: number }) => text.slice(start, end);

test("any JSON value is found whole, whatever stands behind it", () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom("", " ", "\t"), fc.constantFrom(",", "}", "]", " ", "\n"), (value, indent, behind) => {
      const text = JSON.stringify(value, null, indent);

      expect(slice(`${text}${behind}`, valueAt(`${text}${behind}`, 0))).toBe(text);
    }),
  );
});

test("the members of any object and the elements of any array are those that a parser sees", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.array(fc.jsonValue()), (object, array) => {
      const objectText = JSON.stringify(object, null, " ");
      const arrayText = JSON.stringify(array);

      const members = [...membersAt(objectText, 0)].map(([key, span]) => [JSON.parse(`"${key}"`), JSON.parse(slice(objectText, span))]);
      const elements = elementsAt(arrayText, 0).map((span) => JSON.parse(slice(arrayText, span)));

      expect(members).toEqual(Object.entries(JSON.parse(objectText)));
      expect(elements).toEqual(JSON.parse(arrayText));
    }),
  );
});

test("a member is all that stands between its colon and the next comma or bracket", () => {
  const text = '{"a": 1.0 ,"b":/* "," */{"c":"},{"}// "\n,"d" : "\\\\\\"" }';

  const members = [...membersAt(text, 0)].map(([key, span]) => [key, slice(text, span)]);

  expect(members).toEqual([
    ["a", " 1.0 "],
    ["b", '/* "," */{"c":"},{"}// "\n'],
    ["d", ' "\\\\\\"" '],
  ]);
});

test("comments, line breaks and a byte order mark are blanks", () => {
  expect(skipBlanks("\xef\xbb\xbf /* // */\r\n\t// x\n// y\rz", 0)).toBe(25);
});

test.each(['{"a":1', '{"a" 1}', '{"a":1,}', "[1,]", "[1 2]", '"a', '{"a":01}', '{"a":NaN}', "{a:1}", '{"a":1]'])(
  "%s is refused",
  (text) => {
    expect(() => {
      const { end } = valueAt(text, 0);
      if (skipBlanks(text, end) !== text.length) throw new Error("More than a value");
    }).toThrow();
  },
);

test("two members of one name are refused", () => {
  expect(() => membersAt('{"a":1,"a":2}', 0)).toThrow('Two members "a"');
});
