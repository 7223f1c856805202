import * as z from "zod";
import { textParameter } from "../runner/parameter-kinds.ts";
import type { ParametersOf } from "../runner/parameters.ts";
import { snapshotsParameters } from "../runner/runner-parameters.ts";

const { kubeconfig, master, report, terminationLog, logFormat, logLevel, timeout } = snapshotsParameters;

/** The flags are Stash's: CronJobs of its operator call theirs with the same. */
export const createBackupSessionParameters = {
  ...{ kubeconfig, master, timeout, report, terminationLog, logFormat, logLevel },
  namespace: {
    ...textParameter({
      flag: "namespace",
      env: ["POD_NAMESPACE"],
      placeholder: "NS",
      expected: "a namespace",
      help: "Namespace of the invoker, and of the session",
    }),
    schema: z.string().min(1),
  },
  invokerName: {
    ...textParameter({
      flag: "invoker-name",
      env: [],
      placeholder: "NAME",
      expected: "the name of a BackupConfiguration",
      help: "BackupConfiguration that is to be backed up now",
    }),
    schema: z.string().min(1),
  },
  invokerKind: {
    ...textParameter({
      flag: "invoker-kind",
      env: [],
      placeholder: "KIND",
      expected: "BackupConfiguration",
      help: "Its kind; no other one is supported",
      default: "BackupConfiguration",
    }),
    schema: z.string().min(1).default("BackupConfiguration"),
  },
  jobName: textParameter({
    flag: "job-name",
    env: ["HOLDFAST_JOB_NAME"],
    placeholder: "NAME",
    expected: "the name of a Job",
    help: "Job that this is: its name ends with the minute that the session is for, so that it is made once; the clock counts without it",
  }),
};

export type CreateBackupSessionParameters = ParametersOf<typeof createBackupSessionParameters>;
