// How a run's pod is made, wherever an invoker says it: settings of pod and containers, scratch space, hooks.
import * as z from "zod";
import { coreList, coreObject, labels, quantity, WITH_UNKNOWN_FIELDS } from "./core-objects.ts";

/** Settings of a container, as a Function and an invoker have them. */
export const containerSettingsSchema = z
  .looseObject({
    resources: coreObject().optional().describe("Requests and limits"),
    livenessProbe: coreObject().optional().describe("How a stuck container is noticed"),
    readinessProbe: coreObject().optional().describe("How readiness is noticed"),
    lifecycle: coreObject().optional().describe("What is done after start and before stop"),
    securityContext: coreObject().optional().describe("User, group, capabilities"),
    nice: z
      .looseObject({ adjustment: z.int32().optional().describe("From -20, first served, to 19, served last") })
      .optional()
      .describe("Share of the processor"),
    ionice: z
      .looseObject({
        class: z.int32().optional().describe("1 real time, 2 best effort, 3 idle"),
        classData: z.int32().optional().describe("Rank within the class; 0 comes first"),
      })
      .optional()
      .describe("Share of the disk"),
    env: coreList().optional().describe("Environment variables; each replaces one of the same name"),
    envFrom: coreList().optional().describe("Sources of further environment variables"),
  })
  .describe("Settings of the containers");

const podSettingsSchema = z
  .looseObject({
    podLabels: labels.optional().describe("Labels of the pod"),
    podAnnotations: labels.optional().describe("Annotations of the pod"),
    nodeSelector: labels.optional().describe("Labels a node must have"),
    serviceAccountName: z.string().optional().describe("Service account the pod runs as"),
    serviceAccountAnnotations: labels.optional().describe("Annotations of a service account that is made for the pod"),
    automountServiceAccountToken: z.boolean().optional().describe("Whether the service account's token is mounted"),
    nodeName: z.string().optional().describe("Node to run on, without asking the scheduler"),
    securityContext: coreObject().optional().describe("User, groups, sysctls of the pod; taken whole, not merged"),
    imagePullSecrets: z
      .array(z.looseObject({ name: z.string().optional().describe("Name of the Secret") }))
      .optional()
      .describe("Secrets for pulling images, besides those that are set already"),
    affinity: coreObject().optional().describe("Nodes and pods to be near to or far from"),
    schedulerName: z.string().optional().describe("Scheduler to use"),
    tolerations: coreList().optional().describe("Taints the pod puts up with"),
    priorityClassName: z.string().optional().describe("Priority class of the pod"),
    priority: z.int32().optional().describe("Priority of the pod, when an admission plugin does not set it"),
    readinessGates: coreList().optional().describe("Further conditions of readiness"),
    runtimeClassName: z.string().optional().describe("Runtime class of the pod"),
    enableServiceLinks: z.boolean().optional().describe("Whether services are told in environment variables"),
    topologySpreadConstraints: coreList().optional().describe("How pods are spread"),
  })
  .describe("Settings of the pod");

export const runtimeSettingsSchema = z
  .looseObject({ pod: podSettingsSchema.optional(), container: containerSettingsSchema.optional() })
  .describe("Settings of the pod that does the work");

export const tempDirSchema = z
  .looseObject({
    medium: z.string().optional().describe("Memory for a file system in memory; the node's disk when absent"),
    sizeLimit: quantity.optional().describe("Most that may lie there"),
    disableCaching: z.boolean().optional().describe("Keep no cache between the steps"),
  })
  .describe("Scratch space of the pod");

/** A claim to be made; its name and labels are read, the rest is the API server's. */
export const volumeClaimTemplateSchema = z
  .looseObject({
    metadata: z
      .looseObject({
        name: z.string().optional().describe("Name, or its ending"),
        labels: labels.optional().describe("Labels of the claim"),
        annotations: labels.optional().describe("Annotations of the claim"),
      })
      .meta(WITH_UNKNOWN_FIELDS)
      .optional()
      .describe("How the claim is named"),
    spec: coreObject().optional().describe("What is claimed"),
  })
  .meta(WITH_UNKNOWN_FIELDS)
  .describe("A volume claim to be made");

const handlerFields = {
  exec: coreObject().optional().describe("A command, run in the container"),
  httpGet: coreObject().optional().describe("A GET that must succeed"),
  httpPost: coreObject().optional().describe("A POST that must succeed"),
  tcpSocket: coreObject().optional().describe("A port that must accept a connection"),
  containerName: z.string().optional().describe("Container of the target's pod that the hook concerns"),
};
const handlerSchema = z.looseObject(handlerFields);

export const backupHooksSchema = z
  .looseObject({
    preBackup: handlerSchema.optional().describe("Done before the backup; the backup fails when it fails"),
    postBackup: z
      .looseObject({
        ...handlerFields,
        executionPolicy: z
          .enum(["Always", "OnFailure", "OnSuccess", "OnFinalRetryFailure"])
          .default("Always")
          .describe("After which outcome"),
      })
      .optional()
      .describe("Done after the backup"),
  })
  .describe("What is done around a backup");

export const restoreHooksSchema = z
  .looseObject({
    preRestore: handlerSchema.optional().describe("Done before the restore; the restore fails when it fails"),
    postRestore: z
      .looseObject({
        ...handlerFields,
        executionPolicy: z.enum(["Always", "OnFailure", "OnSuccess"]).default("Always").describe("After which outcome"),
      })
      .optional()
      .describe("Done after the restore"),
  })
  .describe("What is done around a restore");
