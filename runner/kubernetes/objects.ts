import { z } from "zod";
export const appBindingSchema = z.object({});
export const repositorySchema = z.object({});
