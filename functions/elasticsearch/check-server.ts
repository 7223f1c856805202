import { DatabaseRefusedError } from "../../runner/errors.ts";
import type { CheckContext } from "../../runner/function.ts";
import { type SearchEndpoint, searchEndpoint } from "./endpoint.ts";
import { inspectServer, type SearchServer } from "./inspect-server.ts";
import { listIndices } from "./list-indices.ts";
import { describeMissing, findMissingRights, type Rights } from "./missing-rights.ts";
import { assertWholeView } from "./partial-view.ts";
import { SearchTransport } from "./transport.ts";
import { findRed } from "./wait-until-ready.ts";

export interface PlannedWork {
  /** Completes "Cannot …". */
  readonly action: string;
  readonly rights: Rights;
  /** Whether indices are going to be read: every cluster privilege is then needed, whatever is chosen. */
  readonly isReading: boolean;
}

const IDLE_TIMEOUT_MS = 30_000;

/** Looks once at the server, its health and what its user may do; changes nothing. @throws as a run does that finds it so */
export async function checkServer(context: CheckContext, work: PlannedWork): Promise<string> {
  const endpoint = searchEndpoint(context.database);
  for (const { reason, message } of endpoint.notices) context.warn(reason, message);
  await using transport = new SearchTransport(endpoint, { signal: context.signal, connections: 1, idleTimeoutMs: IDLE_TIMEOUT_MS });
  const server = await inspectServer(transport);
  const red = await findRed(transport);
  if (red !== undefined) context.warn("ClusterRed", `${red.message}: these cannot be read or written in full`);
  const username = await judgeRights(context, work, transport);
  if (work.isReading) {
    const indices = await listIndices(transport, server);
    await assertWholeView(
      transport,
      indices.filter(({ isSystem }) => !isSystem),
    );
  }
  return describe(endpoint, server, username);
}

/** Resolves with the user's name when the server tells it. */
async function judgeRights(
  { warn }: CheckContext,
  { action, rights, isReading }: PlannedWork,
  transport: SearchTransport,
): Promise<string | undefined> {
  const found = await findMissingRights(transport, rights);
  if (found === undefined) return undefined;
  const { username, missing } = found;
  const lack = describeMissing(missing);
  if (lack === undefined) return username;
  if (isReading && missing.cluster.length > 0)
    throw new DatabaseRefusedError(`Cannot ${action} ${transport.description}: user "${username}" lacks ${lack}`, {
      reason: "PermissionDenied",
      hint: 'The README of functions/elasticsearch has a role with these rights, under "Rights"',
      facts: { missingRights: missing },
    });
  const consequence = isReading ? "a backup of all indices fails" : "a restore fails that needs them";
  warn("RightsMissing", `User "${username}" lacks ${lack}: ${consequence}`);
  return username;
}

function describe({ description, tls, authorization }: SearchEndpoint, server: SearchServer, username: string | undefined): string {
  const { flavour, version, clusterName, dataNodes } = server;
  const nodes = dataNodes === 1 ? "one data node" : `${dataNodes} data nodes`;
  const user = username === undefined ? (authorization === undefined ? "anonymous access" : "the credentials") : `user "${username}"`;
  return `${flavour} ${version} at ${description}, cluster "${clusterName}" with ${nodes}, takes ${user}${tls === undefined ? "" : ", over TLS"}`;
}
