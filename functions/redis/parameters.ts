import * as z from "zod";
import { durationParameter, switchParameter } from "../../runner/parameter-kinds.ts";
import type { Parameter } from "../../runner/parameters.ts";

const databasesParameter = (env: string, help: string) =>
  ({
    flag: "databases",
    env: [env],
    placeholder: "N,N…",
    schema: z
      .string()
      .regex(/^\d{1,9}(,\d{1,9})*$/)
      .transform((text) => [...new Set(text.split(",").map(Number))])
      .optional(),
    expected: "numbers of databases, separated by commas",
    help,
  }) satisfies Parameter<number[] | undefined>;

export const redisBackupParameters = {
  databases: databasesParameter(
    "HOLDFAST_REDIS_BACKUP_DATABASES",
    "What a restore of this backup writes unless it is told otherwise; the backup itself holds every database",
  ),
  allowUnchecked: switchParameter({
    flag: "allow-unchecked",
    env: ["HOLDFAST_REDIS_ALLOW_UNCHECKED"],
    help: "Accept a snapshot without a checksum (a server with rdbchecksum no); nothing then proves that it is whole",
  }),
  idleTimeoutMs: durationParameter({
    flag: "redis-idle-timeout",
    env: ["HOLDFAST_REDIS_IDLE_TIMEOUT"],
    help: "Give up when the server says nothing for this long, not even that it is still preparing its snapshot",
    default: "120",
    leastMs: 1000,
  }),
};

export const redisRestoreParameters = {
  databases: databasesParameter(
    "HOLDFAST_REDIS_RESTORE_DATABASES",
    "Restore these databases alone, without function libraries; when absent those that the backup was told, otherwise everything",
  ),
  policy: {
    flag: "policy",
    env: ["HOLDFAST_POLICY"],
    placeholder: "fail|skip|replace",
    schema: z.enum(["fail", "skip", "replace"]).default("fail"),
    expected: '"fail", "skip" or "replace"',
    help: "What to do with what is there: fail unless the databases written to are empty; skip keys that exist; replace them",
    default: "fail",
  } satisfies Parameter<"fail" | "skip" | "replace">,
  allowMissingModules: switchParameter({
    flag: "allow-missing-modules",
    env: ["HOLDFAST_REDIS_ALLOW_MISSING_MODULES"],
    help: "Restore although the target lacks modules that the source had; values of their types are then refused by name",
  }),
};
