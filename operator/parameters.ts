// What `holdfast operator` and `holdfast create-backupsession` take.
import * as z from "zod";
import { durationParameter, switchParameter, textParameter } from "../runner/parameter-kinds.ts";
import type { Parameter, ParametersOf } from "../runner/parameters.ts";
import { snapshotsParameters } from "../runner/runner-parameters.ts";

const { kubeconfig, master, report, terminationLog, logFormat, logLevel, timeout } = snapshotsParameters;
const common = { kubeconfig, master, timeout, report, terminationLog, logFormat, logLevel };

export const operatorParameters = {
  ...common,
  namespace: {
    ...textParameter({
      flag: "namespace",
      env: ["POD_NAMESPACE"],
      placeholder: "NS",
      expected: "a namespace",
      help: "Namespace the operator runs in; its Lease lies there",
    }),
    schema: z.string().min(1),
  },
  image: {
    ...textParameter({
      flag: "image",
      env: ["HOLDFAST_IMAGE"],
      placeholder: "IMAGE",
      expected: "the image that this is",
      help: "The operator's own image: that of the pods that trigger backups",
    }),
    schema: z.string().min(1),
  },
  pushgatewayUrl: textParameter({
    flag: "pushgateway-url",
    env: ["PROMETHEUS_PUSHGATEWAY_URL"],
    placeholder: "URL",
    expected: "a URL",
    help: "Prometheus Pushgateway that jobs and operator push metrics to; nowhere when absent",
  }),
  identity: {
    ...textParameter({
      flag: "identity",
      env: ["POD_NAME"],
      placeholder: "NAME",
      expected: "a name",
      help: "Name in the Lease, with something random behind it",
    }),
  },
  lease: {
    ...textParameter({
      flag: "lease",
      env: ["HOLDFAST_LEASE"],
      placeholder: "NAME",
      expected: "the name of a Lease",
      help: "Lease that decides which of several operators works",
      default: "holdfast-operator",
    }),
    schema: z.string().min(1).default("holdfast-operator"),
  },
  noLease: switchParameter({
    flag: "no-lease",
    env: ["HOLDFAST_NO_LEASE"],
    help: "Work without asking for the Lease: only where there is one operator for sure",
  }),
  listen: {
    flag: "listen",
    env: ["HOLDFAST_LISTEN"],
    placeholder: "HOST:PORT",
    expected: "HOST:PORT or :PORT",
    help: "Where /healthz, /readyz and /metrics are served",
    default: ":8080",
    schema: z
      .string()
      .regex(/^.*:\d{1,5}$/)
      .default(":8080"),
  } satisfies Parameter<string>,
  jobClusterRole: {
    ...textParameter({
      flag: "job-cluster-role",
      env: ["HOLDFAST_JOB_CLUSTER_ROLE"],
      placeholder: "NAME",
      expected: "the name of a ClusterRole",
      help: "The one ClusterRole that jobs are bound to",
      default: "holdfast-job",
    }),
    schema: z.string().min(1).default("holdfast-job"),
  },
  pendingTimeout: durationParameter({
    flag: "pending-timeout",
    env: ["HOLDFAST_PENDING_TIMEOUT"],
    help: "A backup or restore has failed when no node took its pod for so long",
    default: "30m",
    leastMs: 1000,
  }),
  waitingTimeout: durationParameter({
    flag: "waiting-timeout",
    env: ["HOLDFAST_WAITING_TIMEOUT"],
    help: "A backup or restore has failed when its image could not be had, or its pod not be made, for so long",
    default: "5m",
    leastMs: 1000,
  }),
  resyncPeriod: durationParameter({
    flag: "resync-period",
    env: ["HOLDFAST_RESYNC_PERIOD"],
    help: "How often everything is looked at although nothing changed",
    default: "10m",
    leastMs: 1000,
  }),
  workers: {
    flag: "workers",
    env: ["HOLDFAST_WORKERS"],
    placeholder: "N",
    expected: "a number from 1 to 64",
    help: "Objects of one kind that are worked on at once",
    default: "8",
    schema: z
      .string()
      .default("8")
      .transform(Number)
      .refine((count) => Number.isInteger(count) && count >= 1 && count <= 64),
  } satisfies Parameter<number>,
};

export type OperatorParameters = ParametersOf<typeof operatorParameters>;
