import type { BackupResult } from "../../runner/function.ts";
import type { Source } from "./inspect-source.ts";
import type { SnapshotHeader } from "./snapshot-header.ts";
import type { ProvenSnapshot } from "./snapshot-proof.ts";

/** What the manifest says about the backup. Counts come from before the snapshot and are labelled so: the snapshot itself is not parsed. */
export function describeBackup(parts: {
  source: Source;
  header: SnapshotHeader;
  proven: ProvenSnapshot;
  started: Date;
  databasesMeant: readonly number[] | undefined;
}): BackupResult {
  const { source, header, proven, databasesMeant } = parts;
  const { server, settings } = source;
  const { details } = server;
  const keysAtStart = details && Object.values(details.keyspace).reduce((sum, database) => sum + database.keys, 0);
  return {
    server: { flavour: server.flavour, version: server.version, id: details?.runId ?? "" },
    consistency: consistencyOf(parts),
    facts: {
      rdb: {
        header: header.magic,
        version: header.version,
        bytes: proven.bytes,
        crc64: proven.crc64 ?? null,
        isChecked: proven.crc64 !== undefined,
        serverVersion: header.auxiliary["redis-ver"] ?? header.auxiliary["valkey-ver"],
        usedMemoryBytes: details?.usedMemory ?? numberOf(header.auxiliary["used-mem"]),
      },
      role: server.role,
      databases: numberOf(settings.databases),
      keyspaceAtStart: details?.keyspace,
      ...(databasesMeant === undefined ? {} : { databasesMeant }),
      functionLibrariesAtStart: details?.functionLibraries,
      modules: server.modules,
    },
    counts: { bytes: proven.bytes, ...(keysAtStart === undefined ? {} : { keysAtStart }) },
    notCarried: NOT_CARRIED,
  };
}

const NOT_CARRIED: BackupResult["notCarried"] = [
  { name: "ACL users", reason: "an RDB holds data, not users; keep the ACL file, or what ACL LIST says, apart" },
  { name: "configuration", reason: "an RDB holds data, not settings; keep redis.conf, and what CONFIG SET changed, apart" },
];

/** Replication id and offset at the very instant when the server wrote them into the RDB; otherwise those of just before. */
function consistencyOf({
  source,
  header,
  started,
}: {
  source: Source;
  header: SnapshotHeader;
  started: Date;
}): BackupResult["consistency"] {
  const { "repl-id": id, "repl-offset": offset, ctime } = header.auxiliary;
  const taken = numberOf(ctime);
  const instant = taken === undefined ? {} : { takenAt: new Date(taken * 1_000).toISOString() };
  const base = { method: "replication snapshot", requestedAt: started.toISOString(), ...instant };
  if (id !== undefined) return { ...base, replicationId: id, offset: numberOf(offset) };
  const { replicationId, replicationOffset } = source.server.details ?? {};
  return { ...base, replicationIdAtStart: replicationId, offsetAtStart: replicationOffset };
}

function numberOf(text: string | undefined): number | undefined {
  return text === undefined || text === "" || !Number.isFinite(Number(text)) ? undefined : Number(text);
}
