// A real Elasticsearch of one node on a free loopback port: Maven's archive for integration tests, which has no data streams, lifecycle, painless or joins.
import { pbkdf2Sync, randomBytes } from "node:crypto";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join, relative } from "node:path";
import { makeCertificates } from "./certificates.ts";
import { freePort } from "./free-port.ts";
import { ensureJava, type JavaRange } from "./java.ts";
import { readableFor } from "./java-server.ts";
import { ensureMavenZip } from "./maven.ts";
import type { SearchCredentials, SearchServer } from "./search-server.ts";
import { type RecordedServer, startSearchServer } from "./start-search-server.ts";
import { writeServerConfig } from "./write-server-config.ts";

// From the oldest Java that each was tried with; all before 9 want a security manager, which Java 18 hid and Java 24 took away.
const JAVA = {
  "6.8.23": { from: 17, to: 17 },
  "7.9.3": { from: 17, to: 17 },
  "7.17.29": { from: 17, to: 23 },
  "8.19.4": { from: 17, to: 23 },
  "9.2.8": { from: 21, to: 25 },
} as const satisfies Readonly<Record<string, JavaRange>>;

export type ElasticsearchVersion = keyof typeof JAVA;
export const ELASTICSEARCH_VERSIONS = ["7.17.29", "8.19.4", "9.2.8"] as const;
/** Without points in time; the first has types, and no composable templates. */
export const OLD_ELASTICSEARCH_VERSIONS = ["6.8.23", "7.9.3"] as const;

export interface ElasticsearchOptions {
  readonly version: ElasticsearchVersion;
  /** Lines of elasticsearch.yml, each value as YAML. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Switches security and TLS on: this user may do everything. Further users are made through the API. 8.19.4 and 9.2.8. */
  readonly security?: SearchCredentials;
  /** For HTTP; default a free one. */
  readonly port?: number;
  /** Default 512. */
  readonly heapMegabytes?: number;
  /** Default -XX:+UseSerialGC. */
  readonly javaOptions?: readonly string[];
  /** Folders of plugins to install; as root alone, for whom the distribution is linked. */
  readonly plugins?: readonly string[];
  /** The process whose end is the server's end, or "none"; default ours. */
  readonly ownerPid?: number | "none";
}

/** Fetches the distribution when it is not cached, starts it and waits until it is ready. */
export async function startElasticsearch(options: ElasticsearchOptions): Promise<SearchServer & RecordedServer> {
  const { version, security } = options;
  const java = await ensureJava(JAVA[version]);
  const distribution = await ensureElasticsearch(version);
  const directory = await mkdtemp(join(tmpdir(), "holdfast-elasticsearch-"));
  try {
    for (const name of ["data", "logs", "tmp"]) await mkdir(join(directory, name));
    await cp(join(distribution, "config"), join(directory, "config"), { recursive: true });
    const port = options.port ?? (await freePort());
    const certificates = security === undefined ? undefined : await makeCertificates(join(directory, "config"));
    const settings = {
      ...defaultSettings(directory, { port, transportPort: await freePort(), version }),
      ...(security === undefined ? {} : await writeSecurity(join(directory, "config"), security)),
      ...options.settings,
    };
    await writeServerConfig(join(directory, "config"), "elasticsearch.yml", settings);
    await writeJavaOptions(directory, options);
    const home = await readableFor(distribution, directory);
    if (options.plugins !== undefined && home === distribution) throw new Error("Plugins would go into the cache: run it as root");
    for (const plugin of options.plugins ?? []) await cp(plugin, join(home, "plugins", basename(plugin)), { recursive: true });
    const javaHome = join(await readableFor(java.root, directory), relative(java.root, java.home));
    const env = {
      ES_JAVA_HOME: javaHome,
      // As it was called before 7.12.
      JAVA_HOME: javaHome,
      ES_PATH_CONF: join(directory, "config"),
      ES_TMPDIR: join(directory, "tmp"),
    };
    const pidFile = join(directory, "tmp/server.pid");
    return await startSearchServer(join(home, "bin/elasticsearch"), {
      args: ["-p", pidFile],
      env,
      directory,
      ownerPid: options.ownerPid ?? process.pid,
      isUnprivileged: true,
      distribution: "elasticsearch",
      version,
      ports: [port],
      clusterName: settings["cluster.name"],
      ca: certificates === undefined ? undefined : await readFile(certificates.ca, "utf8"),
      credentials: security,
      pid: async () => Number(await readFile(pidFile, "utf8")),
    });
  } catch (error) {
    await rm(directory, { recursive: true, force: true, maxRetries: 5 });
    throw error;
  }
}

/** Resolves with the distribution's folder in the cache; fetches it when it is not there. */
export function ensureElasticsearch(version: ElasticsearchVersion): Promise<string> {
  return ensureMavenZip(`org.elasticsearch.distribution.integ-test-zip:elasticsearch:${version}`, `elasticsearch-${version}`);
}

/** Fetches the Java that the version runs on, when the machine has none. */
export async function ensureElasticsearchJava(version: ElasticsearchVersion): Promise<void> {
  await ensureJava(JAVA[version]);
}

function defaultSettings(
  directory: string,
  { port, transportPort, version }: { port: number; transportPort: number; version: ElasticsearchVersion },
): Record<string, string> & { "cluster.name": string } {
  return {
    "cluster.name": `tests-${port}`,
    "node.name": "node-1",
    "discovery.type": "single-node",
    "network.host": "127.0.0.1",
    "http.port": String(port),
    "transport.port": String(transportPort),
    "path.data": join(directory, "data"),
    "path.logs": join(directory, "logs"),
    // A disk that is nearly full makes indices read-only.
    "cluster.routing.allocation.disk.threshold_enabled": "false",
    // Before 8 it is off.
    ...(/^[67]/.test(version) ? {} : { "xpack.security.enabled": "false" }),
  };
}

async function writeSecurity(config: string, { username, password }: SearchCredentials): Promise<Record<string, string>> {
  await writeFile(join(config, "users"), `${username}:${hashPassword(password)}\n`);
  await writeFile(join(config, "users_roles"), `superuser:${username}\n`);
  return {
    "xpack.security.enabled": "true",
    "xpack.security.http.ssl.enabled": "true",
    "xpack.security.http.ssl.key": "server.key",
    "xpack.security.http.ssl.certificate": "server.crt",
    "xpack.security.http.ssl.certificate_authorities": "ca.crt",
  };
}

/** As Elasticsearch's own hash of this kind: its program for users needs seconds of Java. */
function hashPassword(password: string): string {
  const salt = randomBytes(32);
  const hash = pbkdf2Sync(password, salt, 10_000, 32, "sha512");
  return `{PBKDF2}10000$${salt.toString("base64")}$${hash.toString("base64")}`;
}

/** The distribution's own options, without its collector, its logs in its own folder, and a module that a small Java lacks. */
async function writeJavaOptions(directory: string, { heapMegabytes = 512, javaOptions }: ElasticsearchOptions): Promise<void> {
  const file = join(directory, "config/jvm.options");
  const unwanted =
    /^\s*#|^-Xm[sx]|UseG1GC|UseConcMarkSweepGC|CMSInitiating|Xlog:gc|-Xloggc|PrintGC|GCLog|ErrorFile|HeapDump|jdk\.incubator\.vector/;
  const kept = (await readFile(file, "utf8")).split("\n").filter((line) => line.trim() !== "" && !unwanted.test(line));
  const ours = [`-Xms${heapMegabytes}m`, `-Xmx${heapMegabytes}m`, `-XX:ErrorFile=${join(directory, "logs/error.log")}`];
  await writeFile(file, [...kept, ...ours, ...(javaOptions ?? ["-XX:+UseSerialGC"]), ""].join("\n"));
}
