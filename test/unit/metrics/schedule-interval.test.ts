import { longestScheduleInterval } from "../../../runner/metrics/schedule-interval.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

test.each([
  ["*/5 * * * *", 5 * MINUTE],
  ["* * * * *", MINUTE],
  ["7/25 * * * *", 25 * MINUTE],
  ["0 * * * *", HOUR],
  ["@hourly", HOUR],
  ["30 2 * * *", DAY],
  ["@daily", DAY],
  ["@every 1h30m", HOUR + 30 * MINUTE],
  ["@every 90s", 90_000],
  ["*/5 8-18 * * *", 13 * HOUR + 5 * MINUTE],
  ["0 * * * 1-5", 2 * DAY + HOUR],
  ["0 8-18/2 * * *", 14 * HOUR],
  ["0 2 * * 1-5", 3 * DAY],
  ["0 2 * * MON-FRI", 3 * DAY],
  ["0 8,20 * * sat,sun", 5 * DAY + 12 * HOUR],
  ["@weekly", 7 * DAY],
  ["0 0 1 * *", 31 * DAY],
  ["0 0 31 * *", 61 * DAY],
  ["0 0 1 JAN ?", 366 * DAY],
  ["0 0 1,15 * 3", 7 * DAY],
  ["0 0 29 2 *", (4 * 365 + 1) * DAY],
  ["CRON_TZ=Europe/Berlin 0 3 * * *", DAY],
  ["  0   3 * * *  ", DAY],
])('the longest time between two runs of "%s" is known', (schedule, expected) => {
  expect(longestScheduleInterval(schedule)).toBe(expected);
});

test.each([
  "",
  "daily",
  "* * * *",
  "* * * * * *",
  "60 * * * *",
  "0 24 * * *",
  "0 0 0 * *",
  "0 0 * 13 *",
  "0 0 30 2 *",
  "5-1 * * * *",
  "*/0 * * * *",
  "*-5 * * * *",
  "0 0 * foo *",
  "@every",
  "@every 0s",
  "@every soon",
])('of "%s" nothing is claimed', (schedule) => {
  expect(longestScheduleInterval(schedule)).toBeUndefined();
});
