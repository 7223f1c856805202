// A real Redis (or Valkey) on a free loopback port, in a directory of its own; stopped by its process id.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { type CertificateFiles, makeCertificates } from "./certificates.ts";
import { freePort } from "./free-port.ts";
import { ensureProgram } from "./install.ts";

export interface RedisServer extends AsyncDisposable {
  readonly host: "127.0.0.1";
  readonly port: number;
  /** Set with `tls: true`; the plain port stays open too. */
  readonly tlsPort: number | undefined;
  readonly certificates: CertificateFiles | undefined;
  readonly pid: number;
  readonly directory: string;
  /** What the server printed so far. */
  readonly output: () => string;
  /** Runs redis-cli against the plain port and resolves with its trimmed stdout; rejects on an exit code other than 0. */
  cli(...args: string[]): Promise<string>;
  /** SIGKILL, as a crash. */
  kill(): Promise<void>;
  stop(): Promise<void>;
}

export interface RedisOptions {
  /** Program and leading arguments; default Debian's redis-server. */
  readonly command?: readonly string[];
  /** Further arguments, e.g. ["--databases", "4"]. */
  readonly arguments?: readonly string[];
  readonly password?: string;
  readonly tls?: boolean;
  readonly port?: number;
  /** A dump.rdb that the server loads when it starts. */
  readonly rdb?: Uint8Array;
  /** Resolve while the server still loads its dump.rdb. */
  readonly whileLoading?: boolean;
  /** Redis before 7.0 allows DEBUG without a setting, and does not know that setting. */
  readonly isBefore7?: boolean;
}

const QUIET = ["--save", "", "--appendonly", "no", "--repl-diskless-sync-delay", "0", "--daemonize", "no"];
const ALLOW_DEBUG = ["--enable-debug-command", "local"];

/** Starts a server, waits until it answers. Installs Debian's redis-server when it is missing and we are root. */
export async function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  const command = options.command ?? [await ensureProgram("redis-server")];
  await ensureProgram("redis-cli");
  const directory = await mkdtemp(join(tmpdir(), "holdfast-redis-"));
  const port = options.port ?? (await freePort());
  if (options.rdb !== undefined) await writeFile(join(directory, "dump.rdb"), options.rdb);
  const certificates = options.tls ? await makeCertificates(directory) : undefined;
  const tlsPort = options.tls ? await freePort() : undefined;
  const args = [...command.slice(1), "--port", String(port), "--bind", "127.0.0.1", "--dir", directory, ...QUIET];
  if (!options.isBefore7) args.push(...ALLOW_DEBUG);
  if (certificates !== undefined) {
    args.push("--tls-port", String(tlsPort), "--tls-cert-file", certificates.serverCert, "--tls-key-file", certificates.serverKey);
    args.push("--tls-ca-cert-file", certificates.ca);
  }
  if (options.password !== undefined) {
    const file = join(directory, "secret.conf");
    await writeFile(file, `requirepass ${options.password}\nmasterauth ${options.password}\n`, { mode: 0o600 });
    args.unshift(...args.splice(0, command.length - 1), file);
  }
  args.push(...(options.arguments ?? []));
  // A server does not start under a locale that the machine lacks.
  const env = { ...process.env, LC_ALL: "C" };
  const child = spawn(command[0] as string, args, { env, stdio: ["ignore", "pipe", "pipe"] });
  return waitUntilReady(new RunningRedis({ child, port, tlsPort, certificates, directory, password: options.password }), options);
}

class RunningRedis implements RedisServer {
  readonly host = "127.0.0.1";
  readonly port: number;
  readonly tlsPort: number | undefined;
  readonly certificates: CertificateFiles | undefined;
  readonly pid: number;
  readonly directory: string;
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  readonly #password: string | undefined;
  #printed = "";

  constructor(parts: {
    child: ChildProcess;
    port: number;
    tlsPort: number | undefined;
    certificates: CertificateFiles | undefined;
    directory: string;
    password: string | undefined;
  }) {
    this.#child = parts.child;
    this.port = parts.port;
    this.tlsPort = parts.tlsPort;
    this.certificates = parts.certificates;
    this.directory = parts.directory;
    this.#password = parts.password;
    this.pid = parts.child.pid ?? -1;
    const keep = (text: Buffer) => {
      this.#printed = (this.#printed + text.toString()).slice(-64_000);
    };
    parts.child.stdout?.on("data", keep);
    parts.child.stderr?.on("data", keep);
    this.#exited = new Promise((resolve) => {
      parts.child.once("exit", () => resolve());
      parts.child.once("error", (error) => {
        this.#printed += String(error);
        resolve();
      });
    });
  }

  output = (): string => this.#printed;

  get hasExited(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null || this.#child.pid === undefined;
  }

  async cli(...args: string[]): Promise<string> {
    // Without a password, none of our caller's either.
    const env = { REDISCLI_AUTH: this.#password };
    const { stdout } = await execa("redis-cli", ["-p", String(this.port), ...args], { env, stdin: "ignore" });
    return stdout.trim();
  }

  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#exited;
  }

  async stop(): Promise<void> {
    await this.kill();
    await rm(this.directory, { recursive: true, force: true, maxRetries: 5 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

const READY = /PONG|NOPERM|MASTERDOWN/;

async function waitUntilReady(server: RunningRedis, options: RedisOptions): Promise<RedisServer> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    if (server.hasExited || Date.now() > deadline) {
      await server.stop();
      throw new Error(`redis-server did not start: ${server.output()}`);
    }
    const answer = await server.cli("ping").catch((error: Error) => error.message);
    if (READY.test(answer) || (options.whileLoading === true && answer.includes("LOADING"))) return server;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
