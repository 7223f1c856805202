import { mergeServerInfo, parseHello, parseInfo } from "../../../functions/redis/server-info.ts";

const INFO = [
  "# Server",
  "redis_version:7.0.15",
  "run_id:abc",
  "loading:0",
  "used_memory:1024",
  "number_of_libraries:2",
  "# Replication",
  "role:master",
  "master_replid:def",
  "master_repl_offset:42",
  "# Modules",
  "module:name=timeseries,ver=11202,api=1,filters=0",
  "module:name=bf,ver=20612,api=1",
  "# Cluster",
  "cluster_enabled:0",
  "# Keyspace",
  "db0:keys=3,expires=1,avg_ttl=10",
  "db15:keys=1,expires=0,avg_ttl=0,subexpiry=0",
];
const HELLO = ["server", "redis", "version", "7.0.15", "proto", 2, "id", 4, "mode", "standalone", "role", "master", "modules", []];

test("INFO of a primary is read", () => {
  const info = mergeServerInfo(parseHello(HELLO), parseInfo(INFO.join("\r\n")));

  expect(info).toEqual({
    flavour: "redis",
    version: "7.0.15",
    role: "primary",
    clusterEnabled: false,
    modules: [
      { name: "timeseries", version: 11202 },
      { name: "bf", version: 20612 },
    ],
    details: {
      runId: "abc",
      loading: false,
      primaryLinkUp: true,
      replicationId: "def",
      replicationOffset: 42,
      usedMemory: 1024,
      functionLibraries: 2,
      keyspace: { db0: { keys: 3, expires: 1 }, db15: { keys: 1, expires: 0 } },
    },
  });
});

test.each([
  ["valkey", "9.1.2", ["redis_version:7.2.4", "server_name:valkey", "valkey_version:9.1.2"]],
  ["keydb", "6.3.4", ["redis_version:6.3.4", "mvcc_depth:0"]],
  ["dragonfly", "1.27.1", ["redis_version:7.4.0", "dragonfly_version:df-v1.27.1"]],
  ["redis", "5.0.14", ["redis_version:5.0.14"]],
])("%s %s is known by its own fields", (flavour, version, lines) => {
  expect(mergeServerInfo(undefined, parseInfo(lines.join("\n")))).toMatchObject({ flavour, version });
});

test.each([
  ["up", true],
  ["down", false],
])("a replica whose link is %s is told from a primary", (status, primaryLinkUp) => {
  const info = mergeServerInfo(undefined, parseInfo(`role:slave\nmaster_link_status:${status}\n`));

  expect(info).toMatchObject({ role: "replica", details: { primaryLinkUp } });
});

test("a cluster shows in INFO and in HELLO alike", () => {
  const hello = HELLO.map((word) => (word === "standalone" ? "cluster" : word));

  expect(mergeServerInfo(undefined, parseInfo("cluster_enabled:1")).clusterEnabled).toBe(true);
  expect(mergeServerInfo(parseHello(hello), undefined).clusterEnabled).toBe(true);
  expect(mergeServerInfo(parseHello(HELLO), undefined).clusterEnabled).toBe(false);
});

test("HELLO alone names server, version, role and modules, and leaves the rest unknown", () => {
  const hello = [...HELLO.slice(0, -1), [["name", "bf", "ver", 20612]]];

  expect(mergeServerInfo(parseHello(hello), undefined)).toEqual({
    flavour: "redis",
    version: "7.0.15",
    role: "primary",
    clusterEnabled: false,
    modules: [{ name: "bf", version: 20612 }],
    details: undefined,
  });
});

test.each([[undefined], [[]], [["server", "redis"]], ["OK"]])("the reply %j is no HELLO", (reply) => {
  expect(parseHello(reply)).toBeUndefined();
});
