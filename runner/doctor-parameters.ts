import * as z from "zod";
import type { DatabaseFunction } from "./function.ts";
import { switchParameter, textParameter } from "./parameter-kinds.ts";
import { databaseRules, repositoryRules, sessionRules } from "./places.ts";
import { backupParameters, restoreParameters } from "./runner-parameters.ts";

const { verifyAfter: _verifyAfter, integritySample: _integritySample, session: backupSession, ...shared } = backupParameters;

/** What a backup or a restore takes as far as it says where things are, so that the same command line can be looked at. */
export const doctorParameters = {
  ...shared,
  backupSession,
  restoreSession: restoreParameters.session,
  function: textParameter({
    flag: "function",
    env: ["HOLDFAST_DOCTOR_FUNCTION"],
    placeholder: "NAME",
    expected: "the name of a function",
    help: "What is going to be run; without it the restore when a RestoreSession is named, else the backup",
  }),
  printRole: switchParameter({
    flag: "print-role",
    env: ["HOLDFAST_PRINT_ROLE"],
    help: 'Check nothing: print the Roles that open exactly these objects; "*" as the session stands for every session of the namespace',
  }),
  serviceAccount: {
    ...textParameter({
      flag: "service-account",
      env: ["HOLDFAST_SERVICE_ACCOUNT"],
      placeholder: "NAME",
      expected: "the name of a ServiceAccount",
      help: "ServiceAccount of the job, in its namespace, that printed Roles are bound to",
      default: "holdfast",
    }),
    schema: z.string().min(1).default("holdfast"),
  },
  json: switchParameter({ flag: "json", env: ["HOLDFAST_JSON"], help: "Print JSON on stdout" }),
};

/** As for a run; one session at most, and a function that there is. */
export function doctorRules(values: Readonly<Record<string, unknown>>, functions: readonly DatabaseFunction[]): string[] {
  const names = functions.map(({ name }) => name);
  const isKnown = values.function === undefined || names.includes(values.function as string);
  const hasTwoSessions = values.backupSession !== undefined && values.restoreSession !== undefined;
  return [
    ...databaseRules(values),
    ...repositoryRules(values),
    ...sessionRules({ ...values, session: values.backupSession ?? values.restoreSession }),
    ...(hasTwoSessions ? ["--backupsession and --restoresession contradict each other: give one"] : []),
    ...(isKnown ? [] : [`--function is not known: expected one of ${names.join(", ")}`]),
  ];
}
