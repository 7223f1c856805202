import { blankComments } from "../../../functions/elasticsearch/blank-comments.ts";

function blanked(text: string): string {
  const bytes = Buffer.from(text, "latin1");
  blankComments(bytes);
  return bytes.toString("latin1");
}

test.each([
  ["1/**/2", "1    2"],
  ["1/*/*/2", "1     2"],
  ["1/***/2", "1     2"],
  ['1/* " */"/* */"', '1       "/* */"'],
  ["1//x\n2", "1   \n2"],
  ["1//x\r\n2", "1   \r\n2"],
  ["1//x/*\n2*/", "1     \n2*/"],
  ['"\\"//"//"', '"\\"//"   '],
  ['"\\\\"//"', '"\\\\"   '],
  ["1/2", "1/2"],
  ["/", "/"],
  ["1/* x", "1    "],
  ["1//", "1  "],
  ['"open//', '"open//'],
  ['\xef\xbb\xbf{"\xef\xbb\xbf"}\xef\xbb', '   {"\xef\xbb\xbf"}\xef\xbb'],
])("%j becomes %j", (text, wanted) => {
  expect(blanked(text)).toBe(wanted);
});
