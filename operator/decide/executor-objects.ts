// The parts of a Job and its pods that tell how the work goes. Everything else of them is not looked at.
import * as z from "zod";
import type { LiveObject } from "../objects.ts";

const text = z.string().nullish();

const conditionSchema = z.object({ type: z.string(), status: z.string(), reason: text, message: text, lastTransitionTime: text });

const containerStatusSchema = z.object({
  name: z.string(),
  state: z
    .object({
      waiting: z.object({ reason: text, message: text }).nullish(),
      running: z.object({ startedAt: text }).nullish(),
      terminated: z.object({ exitCode: z.number(), signal: z.number().nullish(), reason: text, message: text, finishedAt: text }).nullish(),
    })
    .nullish(),
});

const podStatusSchema = z.object({
  phase: text,
  reason: text,
  message: text,
  startTime: text,
  conditions: z.array(conditionSchema).nullish(),
  initContainerStatuses: z.array(containerStatusSchema).nullish(),
  containerStatuses: z.array(containerStatusSchema).nullish(),
});

const jobStatusSchema = z.object({
  active: z.number().nullish(),
  startTime: text,
  completionTime: text,
  conditions: z.array(conditionSchema).nullish(),
});

const limitedContainerSchema = z.object({
  name: z.string(),
  resources: z.object({ limits: z.object({ memory: z.union([z.string(), z.number()]).nullish() }).nullish() }).nullish(),
});

const jobSpecSchema = z.object({
  backoffLimit: z.number().nullish(),
  template: z
    .object({
      spec: z
        .object({ initContainers: z.array(limitedContainerSchema).nullish(), containers: z.array(limitedContainerSchema).nullish() })
        .nullish(),
    })
    .nullish(),
});

export type ObservedCondition = z.infer<typeof conditionSchema>;
export type ContainerStatus = z.infer<typeof containerStatusSchema>;
export type Terminated = NonNullable<NonNullable<ContainerStatus["state"]>["terminated"]>;

export interface ObservedPod {
  readonly name: string;
  readonly created: Date;
  /** When its grace period ends, once somebody deleted it. */
  readonly deleted: Date | undefined;
  readonly phase: string;
  readonly reason: string;
  readonly message: string;
  readonly started: Date | undefined;
  readonly conditions: readonly ObservedCondition[];
  /** In the order in which they run: the last one is the main container. */
  readonly containers: readonly ContainerStatus[];
}

export interface ObservedJob {
  readonly name: string;
  readonly namespace: string;
  readonly created: Date;
  readonly started: Date | undefined;
  readonly completed: Date | undefined;
  /** Whether another pod takes the place of one that failed, at least for some times. */
  readonly isRepeated: boolean;
  /** Pods that its controller counts as running or about to. */
  readonly active: number;
  readonly conditions: readonly ObservedCondition[];
  /** Of each container that has one, as it was asked for. */
  readonly memoryLimits: ReadonlyMap<string, string>;
}

/** @throws ZodError for what no API server sends */
export function observePod({ metadata, status }: LiveObject): ObservedPod {
  const parsed = podStatusSchema.parse(status ?? {});
  return {
    name: metadata.name,
    created: new Date(metadata.creationTimestamp),
    deleted: dateOf(metadata.deletionTimestamp),
    phase: parsed.phase ?? "",
    reason: parsed.reason ?? "",
    message: parsed.message ?? "",
    started: dateOf(parsed.startTime),
    conditions: parsed.conditions ?? [],
    containers: [...(parsed.initContainerStatuses ?? []), ...(parsed.containerStatuses ?? [])],
  };
}

/** @throws ZodError for what no API server sends */
export function observeJob({ metadata, spec, status }: LiveObject): ObservedJob {
  const parsed = jobStatusSchema.parse(status ?? {});
  const { backoffLimit, template } = jobSpecSchema.parse(spec ?? {});
  const limits = [...(template?.spec?.initContainers ?? []), ...(template?.spec?.containers ?? [])].map(
    ({ name, resources }) => [name, resources?.limits?.memory] as const,
  );
  return {
    name: metadata.name,
    namespace: metadata.namespace ?? "",
    created: new Date(metadata.creationTimestamp),
    started: dateOf(parsed.startTime),
    completed: dateOf(parsed.completionTime),
    isRepeated: backoffLimit !== 0,
    active: parsed.active ?? 0,
    conditions: parsed.conditions ?? [],
    memoryLimits: new Map(
      limits.flatMap(([name, limit]) => (limit === null || limit === undefined ? [] : [[name, String(limit)] as const])),
    ),
  };
}

/** The condition of this type, when it stands with this value. */
export function conditionThat(
  conditions: readonly ObservedCondition[],
  type: string,
  status: "True" | "False",
): ObservedCondition | undefined {
  return conditions.find((condition) => condition.type === type && condition.status === status);
}

export function dateOf(time: string | null | undefined): Date | undefined {
  return time === null || time === undefined ? undefined : new Date(time);
}
