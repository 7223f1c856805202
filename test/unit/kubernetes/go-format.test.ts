import fc from "fast-check";
import { ParameterError } from "../../../runner/errors.ts";
import {
  formatBytes,
  formatDuration,
  formatProcessingTime,
  formatSessionDuration,
  formatTime,
  parseBytes,
  parseDuration,
} from "../../../runner/kubernetes/go-format.ts";

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;

test.each([
  [0, "0 B"],
  [711, "711 B"],
  [1024, "1024 B"],
  [1025, "1.001 KiB"],
  [2 ** 20, "1024.000 KiB"],
  [2 ** 20 + 1, "1.000 MiB"],
  [2 ** 30, "1024.000 MiB"],
  [1.5 * 2 ** 30, "1.500 GiB"],
  [2 ** 40, "1024.000 GiB"],
  [5 * 2 ** 40, "5.000 TiB"],
  [2 ** 50, "1024.000 TiB"],
])("%d bytes are written %s", (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

test("a size that was written is read back, but for what three decimals leave out", () => {
  fc.assert(
    fc.property(fc.oneof(fc.nat(5000), fc.maxSafeNat()), (bytes) => {
      const text = formatBytes(bytes);

      expect(Math.abs(parseBytes(text) - bytes)).toBeLessThanOrEqual(bytes <= 1024 ? 0 : bytes * 0.0005 + 0.5);
      expect(parseBytes(formatBytes(parseBytes(text)))).toBe(parseBytes(text));
    }),
  );
});

test.each(["", "1", "1 KB", "1KiB", "-1 B", ".5 MiB", "1 MiB ", "1,5 MiB", "NaN B", "1 PiB"])("size %j is refused", (text) => {
  expect(() => parseBytes(text)).toThrow(ParameterError);
});

test.each([Number.NaN, -1, Number.POSITIVE_INFINITY])("what is no size or time is not written: %d", (value) => {
  expect(() => formatBytes(value)).toThrow(RangeError);
  expect(() => formatProcessingTime(value)).toThrow(RangeError);
});

test.each([
  [0, "0s"],
  [0.000001, "1ns"],
  [0.0015, "1.5µs"],
  [350, "350ms"],
  [831.018039, "831.018039ms"],
  [second, "1s"],
  [4512.345678, "4.512345678s"],
  [minute, "1m0s"],
  [minute + 18.5 * second, "1m18.5s"],
  [10 * minute, "10m0s"],
  [2 * minute + 40595.857548, "2m40.595857548s"],
  [hour, "1h0m0s"],
  [100 * hour + 5 * second, "100h0m5s"],
  [-1500, "-1.5s"],
])("%d milliseconds are the duration %s", (milliseconds, text) => {
  expect(formatDuration(milliseconds)).toBe(text);
  expect(parseDuration(text)).toBe(milliseconds);
});

test("a duration that was written is read back to the nanosecond", () => {
  fc.assert(
    fc.property(fc.oneof(fc.nat(), fc.integer({ min: -(2 ** 50), max: 2 ** 50 })), (nanoseconds) => {
      expect(parseDuration(formatDuration(nanoseconds / 1e6))).toBe(nanoseconds / 1e6);
    }),
  );
});

test.each([
  ["0", 0],
  ["+0", 0],
  ["-0s", 0],
  ["1h30m", 1.5 * hour],
  ["1.5h", 1.5 * hour],
  [".5s", 500],
  ["1.s", second],
  ["1h1h", 2 * hour],
  ["90m", 1.5 * hour],
  ["10us", 0.01],
  ["10μs", 0.01],
  ["-1m", -minute],
])("duration %j is read", (text, milliseconds) => {
  expect(parseDuration(text)).toBe(milliseconds);
});

test.each(["", "1", "s", ".s", "1d", "1 s", "1h ", "--1s", "1.1.1s", "1e3s", "3000000h"])("duration %j is refused", (text) => {
  expect(() => parseDuration(text)).toThrow(ParameterError);
});

test.each([
  [0, "0s"],
  [499, "0s"],
  [500, "1s"],
  [32.4 * second, "32s"],
  [78 * second, "1m18s"],
  [hour + 5 * second, "1h0m5s"],
  [-hour, "0s"],
])("a session of %d milliseconds took %s", (milliseconds, text) => {
  expect(formatSessionDuration(milliseconds)).toBe(text);
});

test.each([
  [0, "0:00"],
  [7.999 * second, "0:07"],
  [12 * minute + 3 * second, "12:03"],
  [hour - 1, "59:59"],
  [hour + 2 * minute + 3 * second, "1:02:03"],
  [100 * hour, "100:00:00"],
])("processing of %d milliseconds took %s", (milliseconds, text) => {
  expect(formatProcessingTime(milliseconds)).toBe(text);
});

test("a time has whole seconds and no zone but UTC", () => {
  expect(formatTime(new Date("2026-01-02T03:04:05.999+01:00"))).toBe("2026-01-02T02:04:05Z");
});
