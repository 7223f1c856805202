// function: a named piece of work the runner can execute. run: one execution of a function, with one outcome.
// source, target: the database a backup reads, a restore writes. stream: a named sequence of bytes in a snapshot.
import type { ParametersOf, ParameterTable } from "./parameters.ts";
import type { Secret } from "./secret.ts";

export type { ParametersOf, ParameterTable } from "./parameters.ts";
export { Secret } from "./secret.ts";

/** What a database's folder in functions/ offers. `functions/index.ts` lists them. */
export type DatabaseFunction = BackupFunction | RestoreFunction;

export interface BackupFunction<T extends ParameterTable = ParameterTable> {
  readonly kind: "backup";
  /** Also the command: "redis-backup". */
  readonly name: string;
  readonly engine: string;
  readonly summary: string;
  /** The function's own parameters, beside the runner's. */
  readonly parameters: T;
  /** Whether the newest snapshot of the same database is to be offered, so that what did not change need not be read again. */
  readonly usesBase?: true;
  /** Judges where the database is said to be, before anything is touched, and says whether TLS will be spoken. @throws ParameterError */
  judge?(database: DatabaseConnection): { readonly usesTls: boolean };
  /** Looks once whether a run could begin now: reachable, trusted, allowed. Reads no data and changes nothing. Resolves with a sentence about the server. */
  check?(context: CheckContext): Promise<string>;
  /** Resolves when every byte that belongs to the backup was handed to the snapshot and proven complete; the run commits. */
  run(context: BackupContext<ParametersOf<T>>): Promise<BackupResult>;
  readonly stash?: StashCommand;
}

export interface RestoreFunction<T extends ParameterTable = ParameterTable> {
  readonly kind: "restore";
  readonly name: string;
  readonly engine: string;
  readonly summary: string;
  readonly parameters: T;
  /** As above. */
  judge?(database: DatabaseConnection): { readonly usesTls: boolean };
  /** As above. */
  check?(context: CheckContext): Promise<string>;
  /** Resolves when everything in the snapshot was written and counted; anything refused throws, with the counts in the error's facts. */
  run(context: RestoreContext<ParametersOf<T>>): Promise<RestoreResult>;
  readonly stash?: StashCommand;
}

/** How Stash calls its own addon for the same work, so that its manifests need not change. */
export interface StashCommand {
  /** "backup-redis". */
  readonly name: string;
  /** The flag that carries the users' own arguments: "redis-args". */
  readonly argumentsFlag: string;
  /** A flag of this addon that names a directory: nothing is written there, but the session's stats show it as the snapshot's path, as Stash does. */
  readonly pathFlag?: string;
  /** Switches of this addon that may be given while they are off; one that is on is refused for the reason that stands here. */
  readonly refusedSwitches?: Readonly<Record<string, string>>;
  /** Reads those, which are for the tools that the addon drives. @throws ParameterError naming what cannot be kept, never a value: one could be a secret */
  readArguments(words: readonly string[]): StashArguments;
  /** What Stash's catalog holds for it. */
  readonly catalog: StashCatalog;
}

/** Functions and Tasks of Stash's catalog, one pair a version of the database; they are printed with our image in the place of theirs. */
export interface StashCatalog {
  /** "redis-backup": the objects are called `<name>-<version>`. */
  readonly name: string;
  readonly versions: readonly string[];
  /** The Function's arguments behind the command, in Stash's order: its users compare. */
  args(common: StashCatalogArguments, version: string): readonly string[];
}

/** What the arguments of all addons have in common. */
export interface StashCatalogArguments {
  /** Where backups lie: from --provider to --max-connections. */
  readonly backend: readonly string[];
  /** Which database: --namespace, --appbinding, --appbinding-namespace. */
  readonly target: readonly string[];
  readonly retention: readonly string[];
  /** `--flag=` and a template variable, with its default: `flag("hostname", "HOSTNAME", "")`. */
  flag(name: string, variable: string, fallback?: string): string;
}

export interface StashArguments {
  /** Flags of the function's own table, as text. */
  readonly flags: Readonly<Record<string, string>>;
  /** What a person should know; logged. */
  readonly warnings: readonly string[];
  /** Names of all arguments that were understood, for the log. */
  readonly words: readonly string[];
  /** The connection as the arguments want it. */
  connect(database: DatabaseConnection): DatabaseConnection;
}

export type CheckContext = Pick<Context<never>, "database" | "signal" | "log" | "warn">;

interface Context<P> {
  readonly database: DatabaseConnection;
  readonly parameters: P;
  /** How long to wait for a database that is loading or refuses connections; a wrong password is not waited for. */
  readonly waitTimeoutMs: number;
  /** Aborted by SIGTERM, SIGINT and the deadline; its reason is the HoldfastError to throw. */
  readonly signal: AbortSignal;
  readonly log: Log;
  /** Something a person should know although the run goes on: logged, evented, in the report. `reason` is CamelCase. */
  warn(reason: string, message: string): void;
  /** May be called as often as is convenient; the runner throttles. */
  progress(progress: Progress): void;
}
export interface BackupContext<P> extends Context<P> {
  readonly snapshot: SnapshotWriter;
}
export interface RestoreContext<P> extends Context<P> {
  readonly snapshot: SnapshotReader;
}

export interface Progress {
  readonly phase: string;
  readonly bytes?: number;
  readonly totalBytes?: number;
  readonly items?: number;
  readonly totalItems?: number;
}

/** Structured log; `fields` never hold a secret in clear. */
export interface Log {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void;
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** How to reach the database, as the AppBinding or the flags say; which key of `credentials` means what is the engine's to know. */
export interface DatabaseConnection {
  /** Without credentials, for messages: "redis://sample.demo.svc:6379". */
  readonly description: string;
  /** Lower case, no colon: "redis", "rediss", "http", "https", "tcp". */
  readonly scheme: string;
  readonly host: string;
  readonly port: number | undefined;
  readonly path: string;
  /** Without the question mark; not part of `description`: it may name anything. */
  readonly query?: string | undefined;
  readonly tls: TlsMaterial;
  /** Keys of the (transformed) Secret, e.g. "username", "password". Empty for anonymous access. */
  readonly credentials: ReadonlyMap<string, Secret>;
}

/** TLS material; PEM texts. Whether TLS is spoken, the engine decides from the scheme and from `ca`. */
export interface TlsMaterial {
  readonly ca?: string | undefined;
  readonly clientCertificate?: string | undefined;
  readonly clientKey?: Secret | undefined;
  readonly serverName?: string | undefined;
  /** False only when the user said so. */
  readonly verify: boolean;
}

export interface SnapshotWriter {
  /** Starts a stream. Names match `[a-z0-9][a-z0-9._-]*(/…)*`. The run's abort ends all streams. */
  stream(name: string, options: { mediaType: string; frameBytes?: number }): StreamWriter;
  /** An earlier snapshot of the same database whose streams may be named instead of written again. Absent: write everything. */
  readonly base: BaseSnapshot | undefined;
  /** Adds a stream that consists of the objects of the stream `from` (the same name, when absent) of the base: nothing is read or written. */
  reuse(name: string, from?: string): void;
}

export interface BaseSnapshot {
  readonly id: string;
  readonly facts: Readonly<Record<string, unknown>>;
  readonly streams: readonly StreamInfo[];
}

export interface StreamWriter {
  /**
   * Appends bytes; they may be reused by the caller as soon as the promise settled. It settles when more may come: a pending promise is a
   * stalled store. One write at a time. Rejects with the first failure of the stream.
   */
  write(bytes: Uint8Array): Promise<void>;
  /** Closes the current frame at this border (whole lines, for instance); nothing when it is empty. */
  endFrame(): Promise<void>;
  /** Ends the stream; resolves when its last object lies in the store and its size was confirmed. `digest` is the engine's own proof. */
  finish(summary?: { count?: number; digest?: string }): Promise<void>;
}

export interface SnapshotReader {
  readonly id: string;
  readonly facts: Readonly<Record<string, unknown>>;
  readonly streams: readonly StreamInfo[];
  /**
   * The stream's bytes in order; the memory of a chunk is given back once the next one is asked for. The iteration fails at the end, at the latest,
   * when a size or checksum differs from the manifest.
   */
  stream(name: string): AsyncIterable<Buffer>;
  /** The key of an object of these streams that is not in the store as it was written, as far as a listing tells; undefined when all are there. */
  findMissing(names: readonly string[]): Promise<string | undefined>;
}

export interface StreamInfo {
  readonly name: string;
  readonly mediaType: string;
  readonly rawBytes: number;
  readonly count?: number | undefined;
  readonly digest?: string | undefined;
}

export interface BackupResult {
  readonly server: { readonly flavour: string; readonly version: string; readonly id: string };
  /** How the instant of the backup is defined, e.g. { method: "replication", offset: 1234 }. */
  readonly consistency: Readonly<Record<string, unknown>>;
  /** The engine's facts for the manifest: counts per database, versions, checksums. JSON, no secrets, no user data. */
  readonly facts: Readonly<Record<string, unknown>>;
  readonly counts: Readonly<Record<string, number>>;
  readonly notCarried: readonly { readonly name: string; readonly reason: string }[];
}

export interface RestoreResult {
  /** E.g. restored, skipped, replaced, expired. */
  readonly counts: Readonly<Record<string, number>>;
  readonly facts: Readonly<Record<string, unknown>>;
}
