import * as z from "zod";

/** A moment, as an API server takes it. */
export const moment = z.iso.datetime({ offset: true });

/** What is known of one aspect, in every list of conditions. */
export const conditionSchema = z.looseObject({
  type: z.string().describe("What the condition is about"),
  status: z.string().describe("True, False or Unknown"),
  reason: z.string().optional().describe("Why, as one word in CamelCase"),
  message: z.string().optional().describe("Why, for a person"),
  lastTransitionTime: moment.describe("When it last changed"),
  severity: z.string().optional().describe("How grave it is, while the status is False"),
  observedGeneration: z.int().optional().describe("Generation of the object that this was said of"),
});

export const conditions = z.array(conditionSchema).optional().describe("What is known, aspect by aspect");
