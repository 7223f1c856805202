import fc from "fast-check";
import { decodeBase64 } from "../../../runner/kubernetes/decode-base64.ts";

test("any bytes come back, with line breaks in the text too", () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      const text = Buffer.from(bytes).toString("base64");
      const wrapped = text.replace(/.{4}/g, "$&\r\n");

      expect(decodeBase64(text)?.equals(bytes)).toBe(true);
      expect(decodeBase64(wrapped)?.equals(bytes)).toBe(true);
    }),
  );
});

test.each(["a", "abc", "ab=c", "====", "YWJj!", "YW Jj", "YWJj=", "_-8="])("%j is no base64", (text) => {
  expect(decodeBase64(text)).toBeUndefined();
});
