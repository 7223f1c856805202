import { DatabaseRefusedError } from "../../runner/errors.ts";
import type { RedisControl } from "./connection.ts";

export interface ServerInfo {
  /** "redis", "valkey", "keydb", "dragonfly". */
  readonly flavour: string;
  readonly version: string;
  readonly role: "primary" | "replica" | undefined;
  readonly clusterEnabled: boolean;
  readonly modules: readonly { readonly name: string; readonly version: number }[];
  /** What only INFO tells; absent when this user may not run it. */
  readonly details: ServerDetails | undefined;
}

export interface ServerDetails {
  readonly runId: string;
  readonly loading: boolean;
  /** True for a primary. */
  readonly primaryLinkUp: boolean;
  readonly replicationId: string | undefined;
  readonly replicationOffset: number | undefined;
  readonly usedMemory: number | undefined;
  readonly functionLibraries: number | undefined;
  readonly evictedKeys: number | undefined;
  readonly keyspace: Readonly<Record<string, { readonly keys: number; readonly expires: number }>>;
}

/**
 * Asks HELLO, which every user may run (6.0 and later), and INFO, without which less is known.
 * @throws DatabaseRefusedError when neither answers: whether this is one shard of a cluster must be known
 */
export async function readServerInfo(control: RedisControl): Promise<ServerInfo> {
  const hello = parseHello(await askIfAllowed(control, "HELLO"));
  const info = parseInfo(await askIfAllowed(control, "INFO"));
  if (hello === undefined && info === undefined)
    throw new DatabaseRefusedError("Cannot tell what this server is: it answers neither HELLO nor INFO", {
      reason: "PermissionDenied",
      hint: "Allow the user to run INFO: ACL SETUSER <user> +info",
    });
  return mergeServerInfo(hello, info);
}

/** What one setting is, or undefined when CONFIG is not allowed or does not know it. */
export async function readSetting(control: RedisControl, name: string): Promise<string | undefined> {
  const reply = await askIfAllowed(control, "CONFIG", "GET", name);
  return Array.isArray(reply) && typeof reply[1] === "string" ? reply[1] : undefined;
}

export type InfoFields = ReadonlyMap<string, string>;

/** INFO's lines as a map; of several `module:` lines, the n-th has the name "module:n". */
export function parseInfo(reply: unknown): InfoFields | undefined {
  if (typeof reply !== "string") return undefined;
  const fields = new Map<string, string>();
  for (const line of reply.split(/\r?\n/)) {
    const colon = line.indexOf(":");
    if (colon <= 0 || line.startsWith("#")) continue;
    const name = line.slice(0, colon);
    fields.set(name === "module" ? `module:${fields.size}` : name, line.slice(colon + 1));
  }
  return fields;
}

interface Hello {
  readonly server: string;
  readonly version: string;
  readonly mode: string;
  readonly role: string;
  readonly modules: readonly { readonly name: string; readonly version: number }[];
}

/** HELLO's flat list of names and values. */
export function parseHello(reply: unknown): Hello | undefined {
  const fields = pairs(reply);
  const [server, version, mode, role] = ["server", "version", "mode", "role"].map((name) => fields.get(name));
  if (typeof server !== "string" || typeof version !== "string" || typeof mode !== "string" || typeof role !== "string") return undefined;
  const modules = fields.get("modules");
  return { server, version, mode, role, modules: Array.isArray(modules) ? modules.map(helloModule) : [] };
}

export function mergeServerInfo(hello: Hello | undefined, info: InfoFields | undefined): ServerInfo {
  const role = info?.get("role") ?? hello?.role;
  return {
    ...flavourOf(hello, info),
    role: role === "master" ? "primary" : role === "slave" || role === "replica" ? "replica" : undefined,
    clusterEnabled: info?.get("cluster_enabled") === "1" || hello?.mode === "cluster",
    modules: info === undefined ? (hello?.modules ?? []) : infoModules(info),
    details: info === undefined ? undefined : detailsOf(info),
  };
}

/** Valkey calls itself Redis 7.2.4 where old clients look; KeyDB and Dragonfly tell by fields of their own. */
function flavourOf(hello: Hello | undefined, info: InfoFields | undefined): { flavour: string; version: string } {
  const dragonfly = info?.get("dragonfly_version");
  if (dragonfly !== undefined) return { flavour: "dragonfly", version: dragonfly.replace(/^df-v?/, "") };
  const version = info?.get("redis_version") ?? hello?.version ?? "unknown";
  if (info?.has("mvcc_depth") || info?.has("active_replica")) return { flavour: "keydb", version };
  const valkey = info?.get("valkey_version");
  if (valkey !== undefined) return { flavour: info?.get("server_name") ?? "valkey", version: valkey };
  return { flavour: hello?.server ?? "redis", version };
}

function detailsOf(info: InfoFields): ServerDetails {
  return {
    runId: info.get("run_id") ?? "",
    loading: info.get("loading") === "1",
    primaryLinkUp: info.get("role") !== "slave" || info.get("master_link_status") === "up",
    replicationId: info.get("master_replid"),
    replicationOffset: numberOf(info.get("master_repl_offset")),
    usedMemory: numberOf(info.get("used_memory")),
    functionLibraries: numberOf(info.get("number_of_libraries")),
    evictedKeys: numberOf(info.get("evicted_keys")),
    keyspace: Object.fromEntries([...info].filter(([name]) => /^db\d+$/.test(name)).map(([name, value]) => [name, keyspaceOf(value)])),
  };
}

/** "keys=3,expires=1,avg_ttl=0". */
function keyspaceOf(value: string): { keys: number; expires: number } {
  const fields = new Map(value.split(",").map((part) => part.split("=") as [string, string]));
  return { keys: Number(fields.get("keys") ?? 0), expires: Number(fields.get("expires") ?? 0) };
}

/** "name=timeseries,ver=11202,api=1,…". */
function infoModules(info: InfoFields): { name: string; version: number }[] {
  const lines = [...info].filter(([name]) => name.startsWith("module:")).map(([, value]) => value);
  return lines.map((line) => ({ name: /name=([^,]*)/.exec(line)?.[1] ?? "", version: Number(/ver=(\d+)/.exec(line)?.[1] ?? 0) }));
}

function helloModule(module: unknown): { name: string; version: number } {
  const fields = pairs(module);
  return { name: String(fields.get("name")), version: Number(fields.get("ver")) };
}

function pairs(reply: unknown): Map<string, unknown> {
  const fields = new Map<string, unknown>();
  if (Array.isArray(reply)) for (let i = 0; i + 1 < reply.length; i += 2) fields.set(String(reply[i]), reply[i + 1]);
  return fields;
}

function numberOf(text: string | undefined): number | undefined {
  const value = Number(text);
  return text === undefined || !Number.isFinite(value) ? undefined : value;
}

async function askIfAllowed(control: RedisControl, command: string, ...args: string[]): Promise<unknown> {
  try {
    return await control.call(command, ...args);
  } catch (error) {
    const denied = error instanceof DatabaseRefusedError && (error.reason === "PermissionDenied" || error.reason === "CommandUnavailable");
    if (denied) return undefined;
    throw error;
  }
}
