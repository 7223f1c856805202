// place: where a run reads and writes, with what it needs to get in. Made from flags alone, or from AppBinding, Repository and Secrets.
import { readFile } from "node:fs/promises";
import { ParameterError } from "./errors.ts";
import type { DatabaseConnection, Secret as SecretType } from "./function.ts";
import type { Cluster, ObjectName } from "./kubernetes/cluster.ts";
import { databaseFromUrl, resolveDatabase } from "./kubernetes/database-connection.ts";
import { type RepositoryBackend, resolveBackend } from "./kubernetes/repository-backend.ts";
import type { ParametersOf } from "./parameters.ts";
import type { RepositoryObject } from "./record-repository.ts";
import type { backupParameters, snapshotsParameters } from "./runner-parameters.ts";
import { Secret } from "./secret.ts";
import { type OpenStoreOptions, parseStoreLocation, type StoreLocation } from "./storage/open-store.ts";

export type RepositoryParameters = Omit<ParametersOf<typeof snapshotsParameters>, "json">;
export type DatabaseParameters = Omit<ParametersOf<typeof backupParameters>, "verifyAfter" | "session" | "integritySample" | "pushgateway">;

/** Secrets come from here and from files, never from argv. */
export interface SecretSources {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Told of every secret that is read. */
  remember(secret: SecretType): void;
  readonly signal: AbortSignal;
}

export interface PlaceSources extends SecretSources {
  /** The cluster that the parameters name, opened when it is first asked for. */
  cluster(): Promise<Cluster>;
}

export interface RepositoryPlace {
  readonly location: StoreLocation;
  readonly options: OpenStoreOptions;
  readonly passphrase: SecretType;
  /** The Repository object, when one was named. */
  readonly object: RepositoryObject | undefined;
}

export interface DatabasePlace {
  readonly connection: DatabaseConnection;
  /** Whose backups these are: part of the snapshot's group. */
  readonly target: { readonly namespace: string; readonly kind: string; readonly name: string };
  /** The AppBinding's `spec.type`, empty when it has none; undefined without an AppBinding. */
  readonly type?: string | undefined;
}

/** The parameters obey `repositoryRules`. @throws ParameterError for objects and files that are missing or wrong */
export async function findRepository(parameters: RepositoryParameters, sources: PlaceSources): Promise<RepositoryPlace> {
  return parameters.store === undefined ? repositoryFromObjects(parameters, sources) : repositoryFromFlags(parameters, sources);
}

/** The parameters obey `databaseRules`. @throws ParameterError as above */
export async function findDatabase(parameters: DatabaseParameters, sources: PlaceSources): Promise<DatabasePlace> {
  if (parameters.url !== undefined) return rememberSecrets(await databaseFromFlags(parameters, sources), sources);
  const namespace = parameters.appbindingNamespace ?? parameters.namespace;
  return databaseFromAppBinding({ namespace, name: parameters.appbinding as string }, sources);
}

/** @throws ParameterError as above */
export async function databaseFromAppBinding(name: ObjectName, sources: PlaceSources): Promise<DatabasePlace> {
  const cluster = await sources.cluster();
  const appBinding = await cluster.appBinding(name, { signal: sources.signal });
  const connection = await resolveDatabase(cluster, appBinding, { signal: sources.signal });
  return rememberSecrets(
    { connection, target: { namespace: name.namespace, kind: "AppBinding", name: name.name }, type: appBinding.spec.type ?? "" },
    sources,
  );
}

/** The place of a repository that the cluster's objects describe. */
export function placeOfBackend(
  backend: RepositoryBackend,
  sources: SecretSources,
  { passphrase = backend.passphrase, object }: { passphrase?: SecretType; object?: RepositoryPlace["object"] } = {},
): RepositoryPlace {
  const { location, credentials, ca } = backend;
  remember(sources, passphrase, credentials?.secretAccessKey, credentials?.sessionToken);
  return { location, options: { credentials, ca }, passphrase, object };
}

type Values = Readonly<Record<string, unknown>>;

/** Which flags say where backups lie: one way, and whole. */
export function repositoryRules({ store, repository }: Values): string[] {
  if (store !== undefined && repository !== undefined) return ["--store and --repository contradict each other: give one"];
  if (store === undefined && repository === undefined) return ["--store or --repository is required: where backups lie"];
  return [];
}

/** Which flags say which database. */
export function databaseRules({ url, appbinding }: Values): string[] {
  if (url !== undefined && appbinding !== undefined) return ["--url and --appbinding contradict each other: give one"];
  if (url === undefined && appbinding === undefined) return ["--url or --appbinding is required: which database"];
  return [];
}

/** A session is about objects of the cluster, all of them. */
export function sessionRules({ session, appbinding, repository }: Values): string[] {
  if (session === undefined || (appbinding !== undefined && repository !== undefined)) return [];
  return ["--backupsession and --restoresession need --appbinding and --repository"];
}

async function repositoryFromObjects(parameters: RepositoryParameters, sources: PlaceSources): Promise<RepositoryPlace> {
  const cluster = await sources.cluster();
  const name = { namespace: parameters.repositoryNamespace ?? parameters.namespace, name: parameters.repository as string };
  const repository = await cluster.repository(name, { signal: sources.signal });
  const backend = await resolveBackend(cluster, repository, { signal: sources.signal, fromNamespace: parameters.namespace });
  const passphrase =
    parameters.passwordFile === undefined ? backend.passphrase : await secretFromFile("--password-file", parameters.passwordFile);
  return placeOfBackend(backend, sources, { passphrase, object: { cluster, name, uid: repository.metadata.uid } });
}

async function repositoryFromFlags(parameters: RepositoryParameters, sources: PlaceSources): Promise<RepositoryPlace> {
  const { environment } = sources;
  const parsed = parseStoreLocation(parameters.store as string);
  const { s3Endpoint: endpoint, s3Region: region } = parameters;
  const location = parsed.kind === "s3" ? { ...parsed, endpoint, region } : parsed;
  const ca = parameters.s3Ca === undefined ? undefined : await readText("--s3-ca", parameters.s3Ca);
  const accessKeyId = environment.AWS_ACCESS_KEY_ID;
  const secretAccessKey = secretOf(environment.AWS_SECRET_ACCESS_KEY);
  const sessionToken = secretOf(environment.AWS_SESSION_TOKEN);
  const credentials = accessKeyId && secretAccessKey ? { accessKeyId, secretAccessKey, sessionToken } : undefined;
  const passphrase = await passphraseFromOutside(parameters, environment);
  remember(sources, passphrase, secretAccessKey, sessionToken);
  return { location, options: { credentials, ca }, passphrase, object: undefined };
}

async function passphraseFromOutside(
  { passwordFile }: RepositoryParameters,
  environment: SecretSources["environment"],
): Promise<SecretType> {
  if (passwordFile !== undefined) return secretFromFile("--password-file", passwordFile);
  const passphrase = secretOf(environment.RESTIC_PASSWORD);
  if (passphrase !== undefined) return passphrase;
  throw new ParameterError("The repository's passphrase is missing", {
    hint: "Set RESTIC_PASSWORD, or name a file with --password-file; keep it safe: without it no backup can be read",
  });
}

async function databaseFromFlags(parameters: DatabaseParameters, sources: PlaceSources): Promise<DatabasePlace> {
  const password =
    parameters.databasePasswordFile === undefined
      ? secretOf(sources.environment.HOLDFAST_DATABASE_PASSWORD)
      : await secretFromFile("--database-password-file", parameters.databasePasswordFile);
  const clientKey = parameters.tlsKey === undefined ? undefined : new Secret(await readText("--tls-key", parameters.tlsKey));
  const connection = databaseFromUrl(parameters.url as string, {
    password,
    tls: {
      ca: parameters.tlsCa === undefined ? undefined : await readText("--tls-ca", parameters.tlsCa),
      clientCertificate: parameters.tlsCert === undefined ? undefined : await readText("--tls-cert", parameters.tlsCert),
      clientKey,
      serverName: parameters.tlsServerName,
      verify: !parameters.tlsInsecure,
    },
  });
  const name = connection.port === undefined ? connection.host : `${connection.host}:${connection.port}`;
  return { connection, target: { namespace: "", kind: "URL", name } };
}

function secretOf(value: string | undefined): SecretType | undefined {
  return value === undefined || value === "" ? undefined : new Secret(value);
}

async function secretFromFile(flag: string, path: string): Promise<SecretType> {
  const firstLine = (await readText(flag, path)).split(/\r?\n/, 1)[0] as string;
  if (firstLine === "") throw new ParameterError(`The first line of the file of ${flag} is empty`);
  return new Secret(firstLine);
}

async function readText(flag: string, path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw new ParameterError(`Cannot read the file of ${flag}, "${path}"`, { cause });
  }
}

function rememberSecrets(place: DatabasePlace, sources: SecretSources): DatabasePlace {
  const { credentials, tls } = place.connection;
  for (const [key, secret] of credentials) if (!/user/i.test(key)) sources.remember(secret);
  remember(sources, tls.clientKey);
  return place;
}

function remember(sources: SecretSources, ...secrets: readonly (SecretType | undefined)[]): void {
  for (const secret of secrets) if (secret !== undefined) sources.remember(secret);
}
