import type * as z from "zod";
import type { SearchAnswer, SearchTransport } from "./transport.ts";
import { unexpectedAnswer } from "./unexpected-answer.ts";

/** The answer as the schema has it. `request` is for the message. @throws DatabaseUnavailableError "UnexpectedAnswer" when it is something else */
export function readAnswer<T>(
  schema: z.ZodType<T>,
  { json }: SearchAnswer,
  { transport, request }: { readonly transport: Pick<SearchTransport, "description">; readonly request: string },
): T {
  const parsed = schema.safeParse(json);
  if (!parsed.success) throw unexpectedAnswer(transport, request, parsed.error);
  return parsed.data;
}
