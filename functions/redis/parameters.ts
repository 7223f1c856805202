import { z } from "zod";
import type { Parameter } from "../../runner/parameters.ts";

export const redisBackupParameters = {
  allowUnchecked: {
    flag: "allow-unchecked",
    env: ["HOLDFAST_REDIS_ALLOW_UNCHECKED"],
    schema: z
      .enum(["true", "false"])
      .default("false")
      .transform((text) => text === "true"),
    expected: "true or false",
    help: "Accept a snapshot without a checksum (a server with rdbchecksum no); nothing then proves that it is whole",
    default: "false",
  } satisfies Parameter<boolean>,
  idleTimeoutMs: {
    flag: "redis-idle-timeout",
    env: ["HOLDFAST_REDIS_IDLE_TIMEOUT"],
    placeholder: "SECONDS",
    schema: z
      .string()
      .default("120")
      .transform(Number)
      .pipe(z.number().positive().max(86_400))
      .transform((seconds) => seconds * 1_000),
    expected: "a number of seconds above 0",
    help: "Give up when the server says nothing for this long, not even that it is still preparing its snapshot",
    default: "120",
  } satisfies Parameter<number>,
};

export const redisRestoreParameters = {
  policy: {
    flag: "policy",
    env: ["HOLDFAST_POLICY"],
    placeholder: "fail|skip|replace",
    schema: z.enum(["fail", "skip", "replace"]).default("fail"),
    expected: '"fail", "skip" or "replace"',
    help: "What to do with what is there: fail unless the databases written to are empty; skip keys that exist; replace them",
    default: "fail",
  } satisfies Parameter<"fail" | "skip" | "replace">,
  allowMissingModules: {
    flag: "allow-missing-modules",
    env: ["HOLDFAST_REDIS_ALLOW_MISSING_MODULES"],
    schema: z
      .enum(["true", "false"])
      .default("false")
      .transform((text) => text === "true"),
    expected: "true or false",
    help: "Restore although the target lacks modules that the source had; values of their types are then refused by name",
    default: "false",
  } satisfies Parameter<boolean>,
};
