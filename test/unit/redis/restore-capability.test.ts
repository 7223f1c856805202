import type { RdbHeader } from "../../../functions/redis/rdb-format.ts";
import { assertCanRestore } from "../../../functions/redis/restore-capability.ts";

const redis = (version: number): RdbHeader => ({ flavour: "redis", version });
const valkey: RdbHeader = { flavour: "valkey", version: 80 };

test.each([
  ["redis", "5.0.14", 9],
  ["redis", "6.2.14", 9],
  ["keydb", "6.3.4", 9],
  ["redis", "7.0.15", 10],
  ["redis", "7.2.4", 11],
  ["redis", "7.4.0", 12],
  ["redis", "8.0.6", 12],
  ["redis", "8.10.1", 12],
  ["redis", "9.0.0", 12],
  ["valkey", "7.2.5", 11],
  ["valkey", "8.1.1", 11],
  ["valkey", "9.1.2", 11],
])("%s %s takes files up to version %d", (flavour, version, highest) => {
  for (let each = 1; each <= highest; each += 1) expect(() => assertCanRestore(redis(each), { flavour, version })).not.toThrow();
  if (highest === 12) return;
  expect(() => assertCanRestore(redis(highest + 1), { flavour, version })).toThrow(
    expect.objectContaining({ exitCode: 21, reason: "RdbVersionTooNew", message: expect.stringContaining(`${flavour} ${version}`) }),
  );
});

test("only Valkey 9 takes Valkey's own files", () => {
  expect(() => assertCanRestore(valkey, { flavour: "valkey", version: "9.0.0" })).not.toThrow();
  for (const server of [
    { flavour: "valkey", version: "8.1.1" },
    { flavour: "redis", version: "8.0.6" },
  ]) {
    expect(() => assertCanRestore(valkey, server)).toThrow("VALKEY080");
  }
});

test.each([
  ["redis", "4.0.14"],
  ["dragonfly", "1.25.0"],
])("%s %s is no target", (flavour, version) => {
  expect(() => assertCanRestore(redis(8), { flavour, version })).toThrow(
    expect.objectContaining({ exitCode: 21, reason: "TargetNotSupported" }),
  );
});
