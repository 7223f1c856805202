import { markdownTable, median, ratio, spread } from "../../benchmark/table.ts";

test("the median of an even number of values lies between the middle two", () => {
  expect(median([9, 1, 3, 2])).toBe(2.5);
  expect(median([5, 1, 3])).toBe(3);
});

test("a spread shows the median, the least and the most", () => {
  expect(spread([8.44, 7.1, 7.9])).toBe("7.9 (7.1–8.4)");
  expect(spread([])).toBe("–");
});

test("a ratio compares medians", () => {
  expect(ratio([2, 3, 100], [2, 2, 2])).toBe("1.50×");
  expect(ratio([1], [])).toBe("–");
});

test("the columns of a table are as wide as their widest cell", () => {
  expect(markdownTable(["", "wall s"], [["a long name", "1"]])).toBe(
    "|             | wall s |\n| ----------- | ------ |\n| a long name | 1      |\n",
  );
});
