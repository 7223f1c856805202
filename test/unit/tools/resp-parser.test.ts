import { RespError, RespParser, type RespReply } from "../../tools/resp-parser.ts";

const WIRE = Buffer.from(
  "+OK\r\n:42\r\n$-1\r\n*-1\r\n*0\r\n$0\r\n\r\n$5\r\na\r\nb\n\r\n-ERR no\r\n*3\r\n:1\r\n*2\r\n$1\r\nx\r\n*1\r\n:-2\r\n+end\r\n",
);
const REPLIES = [
  "OK",
  42,
  null,
  null,
  [],
  Buffer.from(""),
  Buffer.from("a\r\nb\n"),
  new RespError("ERR no"),
  [1, [Buffer.from("x"), [-2]], "end"],
];

function parse(pieces: readonly Buffer[]): RespReply[] {
  const replies: RespReply[] = [];
  const parser = new RespParser((reply) => replies.push(reply));
  for (const piece of pieces) parser.feed(piece);
  return replies;
}

test("replies of every kind are read", () => {
  expect(parse([WIRE])).toEqual(REPLIES);
});

test("replies may be cut anywhere", () => {
  for (let size = 1; size < WIRE.length; size++) {
    const pieces = Array.from({ length: Math.ceil(WIRE.length / size) }, (_, index) => WIRE.subarray(index * size, (index + 1) * size));

    expect(parse(pieces)).toEqual(REPLIES);
  }
});

test("a reply of another protocol is an error", () => {
  expect(() => parse([Buffer.from("%1\r\n")])).toThrow("not RESP 2");
});
