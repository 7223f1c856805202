// Parameters of `forget` and `prune`.
import * as z from "zod";
import { switchParameter, textParameter } from "./parameter-kinds.ts";
import type { Parameter, ParametersOf } from "./parameters.ts";
import { repositoryRules } from "./places.ts";
import { snapshotsParameters } from "./runner-parameters.ts";

const count = z.coerce.number().int().nonnegative().max(1_000_000).default(0);

function keepParameter(period: string, help: string): Parameter<number> {
  return {
    flag: `keep-${period}`,
    env: [`RETENTION_KEEP_${period.toUpperCase()}`],
    placeholder: "N",
    expected: "a whole number from 0",
    help,
    default: "0",
    schema: count,
  };
}

const tags = z
  .string()
  .optional()
  .transform((text) => (text === undefined || text === "" ? [] : text.split(",").map((tag) => tag.trim())));

export const forgetParameters = {
  ...snapshotsParameters,
  snapshot: textParameter({
    flag: "snapshot",
    env: [],
    placeholder: "ID",
    expected: "a snapshot id",
    help: "Forget this snapshot, whatever else there is; instead of a policy",
  }),
  keepLast: keepParameter("last", "Keep so many of the newest snapshots"),
  keepHourly: keepParameter("hourly", "Keep the newest snapshot of each of so many hours that have one"),
  keepDaily: keepParameter("daily", "The same with days"),
  keepWeekly: keepParameter("weekly", "The same with weeks, from Monday on"),
  keepMonthly: keepParameter("monthly", "The same with months"),
  keepYearly: keepParameter("yearly", "The same with years"),
  keepTags: {
    flag: "keep-tag",
    env: ["RETENTION_KEEP_TAGS"],
    placeholder: "TAG[,TAG]",
    expected: "tags joined by commas",
    help: "Keep every snapshot that has any of these tags",
    schema: tags,
  },
  target: textParameter({
    flag: "target",
    env: [],
    placeholder: "NAME",
    expected: "a target as the list of snapshots shows it, or the end of it",
    help: "Look at snapshots of this target only, e.g. demo/AppBinding/sample",
  }),
  hostname: textParameter({
    flag: "hostname",
    env: [],
    placeholder: "NAME",
    expected: "a name",
    help: "Look at snapshots of this host only",
  }),
  prune: switchParameter({ flag: "prune", env: ["RETENTION_PRUNE"], help: "Remove the data that nobody needs any more afterwards" }),
  unsafe: unsafe(),
  dryRun: dryRun(),
};

export const pruneParameters = { ...snapshotsParameters, unsafe: unsafe(), dryRun: dryRun() };

export type ForgetParameters = ParametersOf<typeof forgetParameters>;
export type PruneParameters = ParametersOf<typeof pruneParameters>;

/** Either one snapshot, or a policy that keeps something. */
export function forgetRules(values: Readonly<Record<string, unknown>>): string[] {
  const { snapshot, target, hostname } = values;
  const keeps = Object.entries(forgetParameters).filter(([, { flag }]) => flag.startsWith("keep-"));
  const hasPolicy = keeps.some(([name]) => (Array.isArray(values[name]) ? (values[name] as unknown[]).length : Number(values[name])) > 0);
  const faults = repositoryRules(values);
  if (snapshot === undefined && !hasPolicy) faults.push("--snapshot, or a --keep- flag above 0, is required: which snapshots to keep");
  if (snapshot !== undefined && hasPolicy) faults.push("--snapshot and the --keep- flags contradict each other: give one or the other");
  if (snapshot !== undefined && (target !== undefined || hostname !== undefined))
    faults.push("--snapshot says which one: leave --target and --hostname out");
  return faults;
}

function dryRun(): Parameter<boolean> {
  return switchParameter({ flag: "dry-run", env: ["RETENTION_DRY_RUN"], help: "Say what would be removed, and remove nothing" });
}

function unsafe(): Parameter<boolean> {
  return switchParameter({
    flag: "unsafe",
    env: ["HOLDFAST_PRUNE_UNSAFE"],
    help: "Prune although the store ignores conditional writes; see to it that nobody else prunes",
  });
}
