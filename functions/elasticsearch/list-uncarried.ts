import type { NotCarried } from "./choose-indices.ts";
import type { SearchServer } from "./inspect-server.ts";
import { readIfThere } from "./read-if-there.ts";
import { faultOf } from "./server-error.ts";
import type { SearchTransport } from "./transport.ts";
import { UNCARRIED_KINDS, type UncarriedKind } from "./uncarried-kinds.ts";
import { unexpectedAnswer } from "./unexpected-answer.ts";

/**
 * Names of all objects that this release does not carry. Where the user may not list a kind, that is said in place of the names.
 * @throws HoldfastError when the server fails or its answer is not understood
 */
export async function listUncarried(transport: SearchTransport, server: SearchServer): Promise<NotCarried[]> {
  const found: NotCarried[] = [];
  for (const kind of UNCARRIED_KINDS)
    if (kind.flavour === undefined || kind.flavour === server.flavour) found.push(...(await listKind(transport, kind)));
  return found;
}

async function listKind(transport: SearchTransport, kind: UncarriedKind): Promise<NotCarried[]> {
  const { name, plural, request } = kind;
  const reason = `This release does not carry ${plural}`;
  let answer: unknown;
  try {
    answer = await readIfThere(
      transport,
      { method: request.body === undefined ? "GET" : "POST", ...request },
      `the right to list ${plural}`,
    );
  } catch (error) {
    // Nothing of them is carried either way: the right to name them is worth a line, not a failed backup.
    if (faultOf(error)?.status !== 403) throw error;
    return [{ name: `${name}:*`, reason: `${reason}, and this user may not list them` }];
  }
  if (answer === undefined) return [];
  try {
    const { names, total = names.length } = kind.read(answer);
    const rest = total > names.length ? [{ name: `${name}:*`, reason: `${reason}; there are ${total - names.length} more` }] : [];
    return [...names.map((each) => ({ name: `${name}:${each}`, reason })), ...rest];
  } catch (error) {
    throw unexpectedAnswer(transport, `GET ${request.path}`, error);
  }
}
