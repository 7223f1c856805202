import fc from "fast-check";
import { RedisReplyError } from "../../../functions/redis/redis-error.ts";
import { OK, type Reply, ReplyParser } from "../../../functions/redis/resp-replies.ts";

const STREAM =
  "+OK\r\n:42\r\n-BUSYKEY Target key name already exists.\r\n$5\r\na\r\nbc\r\n+OK\r\n$-1\r\n*3\r\n:1\r\n*2\r\n+QUEUED\r\n$0\r\n\r\n-ERR in\r\n*0\r\n+OKAY\r\n";
const EXPECTED = ["OK", 42, "BUSYKEY Target key name already exists.", "a\r\nbc", "OK", null, [1, ["QUEUED", ""], "ERR in"], [], "OKAY"];

test("every kind of reply is understood, in order", () => {
  expect(parse([STREAM]).map(plain)).toEqual(EXPECTED);
});

test("the same replies come out wherever the bytes are cut", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(STREAM.length)), (cuts) => {
      const borders = [0, ...cuts.toSorted((a, b) => a - b), STREAM.length];

      const replies = parse(borders.slice(1).map((end, index) => STREAM.slice(borders[index], end)));

      expect(replies.map(plain)).toEqual(EXPECTED);
    }),
  );
});

test("OK is always the same object, and errors are errors", () => {
  const [ok, , refused] = parse([STREAM]);

  expect(ok).toBe(OK);
  expect(refused).toBeInstanceOf(RedisReplyError);
});

test.each(["HTTP/1.1 400 Bad Request\r\n", "$abc\r\n", "?\r\n"])("%j is no reply", (text) => {
  expect(() => parse([text])).toThrow("is this a Redis or Valkey port?");
});

function parse(pieces: readonly string[]): Reply[] {
  const replies: Reply[] = [];
  const parser = new ReplyParser((reply) => replies.push(reply));
  for (const piece of pieces) parser.push(Buffer.from(piece));
  return replies;
}

function plain(reply: Reply): unknown {
  if (Array.isArray(reply)) return reply.map(plain);
  if (reply instanceof RedisReplyError) return reply.message;
  return Buffer.isBuffer(reply) ? reply.toString() : reply;
}
