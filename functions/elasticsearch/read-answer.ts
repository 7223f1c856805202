import type * as z from "zod";
import { DatabaseUnavailableError } from "../../runner/errors.ts";
import type { SearchAnswer } from "./transport.ts";

/** The answer as the schema has it. @throws DatabaseUnavailableError "UnexpectedAnswer" when it is something else */
export function readAnswer<T>(schema: z.ZodType<T>, { json }: SearchAnswer, description: string): T {
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new DatabaseUnavailableError(`${description} does not answer as Elasticsearch and OpenSearch do`, {
    cause: parsed.error,
    reason: "UnexpectedAnswer",
  });
}
