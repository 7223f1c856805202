// What a run is made from: a Task names the steps, each step a Function, which is a container's description with variables in it.
import * as z from "zod";
import { coreList, NEEDED_IN_USE } from "./core-objects.ts";
import { clusterMetadataSchema } from "./metadata.ts";
import { containerSettingsSchema } from "./settings-objects.ts";

const stashVersion = z.literal("stash.appscode.com/v1beta1");

const taskParamSchema = z.looseObject({
  name: z.string().describe("Name of the parameter"),
  value: z.string().describe("Its value; always text"),
});

/** How an invoker or an AppBinding asks for a Task. */
export const taskSchema = z
  .looseObject({
    name: z.string().optional().describe("Name of the Task"),
    params: z.array(taskParamSchema).optional().describe("Parameters handed to the Task's functions"),
  })
  .describe("A Task and its parameters");

export const stepsSchema = z.looseObject({
  apiVersion: stashVersion,
  kind: z.literal("Task"),
  metadata: clusterMetadataSchema,
  spec: z
    .looseObject({
      steps: z
        .array(
          z.looseObject({
            name: z.string().meta(NEEDED_IN_USE).describe("Name of the Function"),
            params: z.array(taskParamSchema).optional().describe("Variables for this Function"),
          }),
        )
        .optional()
        .describe("The Functions, in the order in which they run"),
      volumes: coreList().optional().describe("Volumes of the pod; may hold variables"),
    })
    .optional()
    .describe("Steps of a backup or a restore"),
});

export const functionSchema = z.looseObject({
  apiVersion: stashVersion,
  kind: z.literal("Function"),
  metadata: clusterMetadataSchema,
  spec: z
    .looseObject({
      image: z.string().optional().describe("Image of the container"),
      command: z.array(z.string()).optional().describe("Entry point; the image's own when absent"),
      args: z.array(z.string()).optional().describe("Arguments; may hold variables"),
      workingDir: z.string().optional().describe("Working directory of the container"),
      ports: coreList().optional().describe("Ports of the container"),
      volumeMounts: coreList().optional().describe("Volumes mounted into the container"),
      volumeDevices: coreList().optional().describe("Block devices of the container"),
      runtimeSettings: containerSettingsSchema.optional(),
      podSecurityPolicyName: z.string().optional().describe("Accepted and not used"),
    })
    .optional()
    .describe("A container's description with variables in it"),
});
