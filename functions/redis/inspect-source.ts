import { DatabaseRefusedError, DatabaseUnavailableError } from "../../runner/errors.ts";
import { type LinkOptions, openControl } from "./connection.ts";
import type { RedisEndpoint } from "./endpoint.ts";
import { readServerInfo, readSetting, type ServerInfo } from "./server-info.ts";

/** What is known of the server before its snapshot. */
export interface Source {
  readonly server: ServerInfo;
  readonly settings: Readonly<Record<"rdbchecksum" | "repl-timeout" | "databases", string | undefined>>;
}

/**
 * Looks at the server and says no where a backup would not be one: a cluster's node, a replica without its primary, a server that loads.
 * @throws DatabaseRefusedError, DatabaseUnavailableError
 */
export async function inspectSource(endpoint: RedisEndpoint, options: LinkOptions): Promise<Source> {
  await using control = await openControl(endpoint, options);
  const server = await readServerInfo(control);
  assertCanBeSource(server, endpoint.description);
  return {
    server,
    settings: {
      rdbchecksum: await readSetting(control, "rdbchecksum"),
      "repl-timeout": await readSetting(control, "repl-timeout"),
      databases: await readSetting(control, "databases"),
    },
  };
}

function assertCanBeSource({ flavour, clusterEnabled, details }: ServerInfo, description: string): void {
  if (clusterEnabled)
    throw new DatabaseRefusedError(
      `${description} is one node of a cluster and holds only its shard; backing up a cluster is not offered yet`,
      {
        reason: "ClusterNotSupported",
      },
    );
  if (flavour === "dragonfly")
    throw new DatabaseRefusedError(
      `${description} is Dragonfly, which does not offer replication to others (SYNC), so it cannot be backed up`,
      {
        reason: "DragonflyNotSupported",
      },
    );
  if (details?.loading)
    throw new DatabaseUnavailableError(`The server at ${description} is still loading its data`, { reason: "DatabaseLoading" });
  if (details?.primaryLinkUp === false)
    throw new DatabaseUnavailableError(`${description} is a replica without a link to its primary, so its data may be old`, {
      reason: "PrimaryLinkDown",
      hint: "Name the primary, or a replica that is in sync",
    });
}
