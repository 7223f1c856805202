import { DatabaseRefusedError, DatabaseUnavailableError } from "../../runner/errors.ts";
import type { RedisControl } from "./connection.ts";
import { readServerInfo, readSetting, type ServerInfo } from "./server-info.ts";

/** What is known of the server that is restored into, before the first write. */
export interface RestoreTarget {
  readonly description: string;
  readonly server: ServerInfo;
  /** Undefined when CONFIG is not allowed. */
  readonly databases: number | undefined;
  readonly maxMemory: number | undefined;
  readonly maxMemoryPolicy: string | undefined;
  /** Longest string that the server takes in a command; the default of servers when CONFIG is not allowed. */
  readonly maxBulkBytes: number;
  readonly isMaxBulkKnown: boolean;
}

const DEFAULT_MAX_BULK_BYTES = 512 * 1024 * 1024;

/**
 * Looks at the server and says no where a restore cannot be: a replica, a node of a cluster, a server that loads.
 * @throws DatabaseRefusedError, DatabaseUnavailableError
 */
export async function inspectTarget(control: RedisControl, description: string): Promise<RestoreTarget> {
  const server = await readServerInfo(control);
  assertCanBeTarget(server, description);
  const maxBulkBytes = numberOf(await readSetting(control, "proto-max-bulk-len"));
  return {
    description,
    server,
    databases: numberOf(await readSetting(control, "databases")),
    maxMemory: numberOf(await readSetting(control, "maxmemory")),
    maxMemoryPolicy: await readSetting(control, "maxmemory-policy"),
    maxBulkBytes: maxBulkBytes ?? DEFAULT_MAX_BULK_BYTES,
    isMaxBulkKnown: maxBulkBytes !== undefined,
  };
}

function assertCanBeTarget({ clusterEnabled, role, details }: ServerInfo, description: string): void {
  if (clusterEnabled)
    throw new DatabaseRefusedError(`${description} is one node of a cluster; restoring into a cluster is not offered yet`, {
      reason: "ClusterNotSupported",
    });
  if (role === "replica")
    throw new DatabaseRefusedError(`${description} is a replica: what is written there is lost at its next synchronisation, or refused`, {
      reason: "TargetIsReplica",
      hint: "Name the primary",
    });
  if (details?.loading)
    throw new DatabaseUnavailableError(`The server at ${description} is still loading its data`, { reason: "DatabaseLoading" });
}

function numberOf(text: string | undefined): number | undefined {
  const value = Number(text);
  return text === undefined || text === "" || !Number.isFinite(value) ? undefined : value;
}
