import * as z from "zod";
import { durationParameter, switchParameter, textParameter } from "../../runner/parameter-kinds.ts";
import type { Parameter } from "../../runner/parameters.ts";
import { compilePattern } from "./name-pattern.ts";

const matchParameters = (verb: string, prefix: string) => ({
  match: textParameter({
    flag: "match",
    env: [`${prefix}_MATCH`],
    placeholder: "PATTERN,…",
    expected: 'names of indices, with "*"; a leading "-" takes out again',
    help: `${verb} these indices alone, by name, alias or data stream: logs-*,-logs-debug-*`,
  }),
  matchRegex: {
    flag: "match-regex",
    env: [`${prefix}_MATCH_REGEX`],
    placeholder: "REGEX",
    schema: z
      .string()
      .min(1)
      .refine((text) => compilePattern(text) !== undefined)
      .optional(),
    expected: "a regular expression",
    help: `${verb} the indices alone whose name, alias or data stream it matches, whatever the case`,
  } satisfies Parameter<string | undefined>,
  matchNamesOnly: switchParameter({
    flag: "match-names-only",
    env: [`${prefix}_MATCH_NAMES_ONLY`],
    help: "Let aliases not count for --match and --match-regex, so that what they take out by its name stays out",
  }),
});

const countParameter = (parts: Omit<Parameter, "schema" | "expected">, least: number, most: number): Parameter<number | undefined> => ({
  ...parts,
  schema: z.coerce.number().int().min(least).max(most).optional(),
  expected: `a whole number from ${least} to ${most}`,
});

const idleTimeoutParameter = durationParameter({
  flag: "es-idle-timeout",
  env: ["HOLDFAST_ES_IDLE_TIMEOUT"],
  help: "Give a request up when the server is silent for this long",
  default: "120",
  leastMs: 1000,
});

export const esBackupParameters = {
  ...matchParameters("Back up", "HOLDFAST_ES_BACKUP"),
  skipHidden: switchParameter({
    flag: "skip-hidden",
    env: ["HOLDFAST_ES_SKIP_HIDDEN"],
    help: "Leave out hidden indices; without it only those of the server's own features are left out",
  }),
  openClosed: switchParameter({
    flag: "open-closed",
    env: ["HOLDFAST_ES_OPEN_CLOSED"],
    help: "Open closed indices for as long as they are read; without it they are left out, by name",
  }),
  skipSourceless: switchParameter({
    flag: "skip-sourceless",
    env: ["HOLDFAST_ES_SKIP_SOURCELESS"],
    help: "Leave out indices that do not keep their documents' source, by name; without it such an index fails the backup",
  }),
  full: switchParameter({
    flag: "full",
    env: ["HOLDFAST_ES_FULL"],
    help: "Read every index, also those that did not change since the last backup",
  }),
  cursor: {
    flag: "es-cursor",
    env: ["HOLDFAST_ES_CURSOR"],
    placeholder: "auto|pit|scroll",
    schema: z.enum(["auto", "pit", "scroll"]).default("auto"),
    expected: '"auto", "pit" or "scroll"',
    help: "Read by points in time, or by scrolls where a proxy or service does not let points in time through",
    default: "auto",
  } satisfies Parameter<"auto" | "pit" | "scroll">,
  concurrency: countParameter(
    {
      flag: "es-concurrency",
      env: ["HOLDFAST_ES_BACKUP_CONCURRENCY"],
      placeholder: "N",
      help: "Read so many shards at once; when absent, twice the data nodes, at most 4",
    },
    1,
    64,
  ),
  keepAliveMs: durationParameter({
    flag: "es-keep-alive",
    env: ["HOLDFAST_ES_KEEP_ALIVE"],
    help: "How long the server keeps a cursor between two requests",
    default: "300",
    leastMs: 10_000,
  }),
  idleTimeoutMs: idleTimeoutParameter,
};

export const esRestoreParameters = {
  ...matchParameters("Restore", "HOLDFAST_ES_RESTORE"),
  policy: {
    flag: "policy",
    env: ["HOLDFAST_POLICY"],
    placeholder: "fail|skip|replace",
    schema: z.enum(["fail", "skip", "replace"]).default("fail"),
    expected: '"fail", "skip" or "replace"',
    help: "What to do with what is there: fail before anything is written; skip indices that exist; delete them and write them anew",
    default: "fail",
  } satisfies Parameter<"fail" | "skip" | "replace">,
  rename: {
    flag: "rename",
    env: ["HOLDFAST_ES_RENAME"],
    placeholder: "REGEX=NAME",
    schema: z
      .string()
      .refine((text) => text.indexOf("=") > 0 && compilePattern(text.slice(0, text.indexOf("="))) !== undefined)
      .optional(),
    expected: 'a regular expression, "=" and a name in which $1 is its first group',
    help: "Restore indices, aliases and data streams under other names: (.+)=restored-$1",
  } satisfies Parameter<string | undefined>,
  indicesOnly: switchParameter({
    flag: "indices-only",
    env: ["HOLDFAST_ES_INDICES_ONLY"],
    help: "Restore no templates, pipelines, policies and scripts, but only indices, data streams and aliases",
  }),
  verifyRestored: switchParameter({
    flag: "verify-restored",
    env: ["HOLDFAST_ES_VERIFY_RESTORED"],
    help: "Read back everything that was restored, and compare its digests with those of the backup",
  }),
  concurrency: countParameter(
    {
      flag: "es-concurrency",
      env: ["HOLDFAST_ES_RESTORE_CONCURRENCY"],
      placeholder: "N",
      help: "So many bulk requests at once; when absent, twice the data nodes, at most 8",
    },
    1,
    64,
  ),
  deadLetters: textParameter({
    flag: "dead-letters",
    env: ["HOLDFAST_ES_DEAD_LETTERS"],
    placeholder: "FILE",
    expected: "the path of a file that does not exist yet",
    help: "Write documents that the server refuses into this file, with the reasons; the restore fails all the same",
  }),
  idleTimeoutMs: idleTimeoutParameter,
};
