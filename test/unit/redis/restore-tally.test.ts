import { RedisReplyError } from "../../../functions/redis/redis-error.ts";
import { type RestorePolicy, RestoreTally } from "../../../functions/redis/restore-tally.ts";

const NOW = 1_700_000_000_000;
const BUSY = new RedisReplyError("BUSYKEY Target key name already exists.");
const BAD = new RedisReplyError("ERR Bad data format");
const FULL = new RedisReplyError("OOM command not allowed when used memory > 'maxmemory'.");

function tallyOf(policy: RestorePolicy): RestoreTally {
  const tally = new RestoreTally(policy, () => NOW);
  tally.enter(2);
  return tally;
}

test("answers are counted by what becomes of the key", () => {
  const tally = tallyOf("fail");

  for (const expiresAtMs of [0, 0, NOW + 5000, NOW + 5100, NOW - 1, NOW, NOW + 30 * 86_400_000]) tally.accepted(expiresAtMs);

  expect(tally.databases.get(2)).toEqual({ persistent: 2, volatile: 3, expired: 2, expiringAt: new Map([[NOW / 1000 + 5, 2]]) });
  expect([tally.restored, tally.expired]).toEqual([5, 2]);
});

test("a key that exists is skipped by policy skip, and ends the restore by any other", () => {
  const [skip, fail] = [tallyOf("skip"), tallyOf("fail")];

  for (const tally of [skip, fail]) tally.refused(BUSY, Buffer.from("k"));

  expect([skip.skipped, skip.refusals, skip.fatal]).toEqual([1, 0, undefined]);
  expect([fail.skipped, fail.refusals, fail.fatal]).toEqual([0, 1, BUSY]);
});

test("a value that is refused for itself does not end the restore; no memory does", () => {
  const tally = tallyOf("replace");

  tally.refused(BAD, Buffer.from("k\x00\xff", "latin1"));
  expect(tally.fatal).toBeUndefined();
  tally.refused(FULL, Buffer.from("l"));

  expect(tally.fatal).toBe(FULL);
  expect(tally.firstRefused).toEqual([
    { database: 2, key: '"k\\x00\\xff"', error: BAD.message },
    { database: 2, key: '"l"', error: FULL.message },
  ]);
});

test("ten refusals are named, and a thousand end the restore", () => {
  const tally = tallyOf("replace");

  for (let n = 0; n < 999; n += 1) tally.refused(BAD, Buffer.from(`k${n}`));
  expect(tally.fatal).toBeUndefined();
  tally.refused(BAD, Buffer.from("the last"));

  expect(tally.fatal).toBe(BAD);
  expect(tally.firstRefused.map(({ key }) => key)).toEqual(Array.from({ length: 10 }, (_, n) => `"k${n}"`));
});
