import { posix } from "node:path";
import { ParameterError } from "../errors.ts";
import { Secret } from "../secret.ts";
import type { Cluster, ClusterOptions, ObjectName, Repository } from "./cluster.ts";
import { readCertificates } from "./read-certificates.ts";
import { assertUsageAllowed } from "./usage-policy.ts";

/** Where a Repository keeps its backups, and what its storage Secret says. */
export interface RepositoryBackend {
  readonly location: BackendLocation;
  readonly passphrase: Secret;
  /** Absent when the Secret has none: then the environment's own identity counts. */
  readonly credentials: BackendCredentials | undefined;
  /** PEM certificates to trust for the store. */
  readonly ca: string | undefined;
}

export type BackendLocation = DirectoryLocation | S3Location;

export interface DirectoryLocation {
  readonly kind: "directory";
  readonly path: string;
}

export interface S3Location {
  readonly kind: "s3";
  readonly bucket: string;
  /** Without slashes at its ends; may be empty. */
  readonly prefix: string;
  readonly endpoint: string | undefined;
  readonly region: string | undefined;
  readonly insecureTls: boolean;
}

export interface BackendCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: Secret;
  readonly sessionToken: Secret | undefined;
}

/** In the order of precedence when a Repository has several. */
const backends = ["local", "s3", "gcs", "azure", "swift", "b2", "rest"] as const;

/**
 * Where the Repository keeps its backups, and the Secret that opens it. `fromNamespace` is the namespace that wants to use it.
 * @throws ParameterError for a use that the policy forbids, a backend we cannot serve, and a Secret that lacks what is needed
 */
export async function resolveBackend(
  cluster: Cluster,
  repository: Repository,
  options: ClusterOptions & { readonly fromNamespace: string },
): Promise<RepositoryBackend> {
  await assertUsageAllowed(cluster, repository, options);
  const { namespace } = repository.metadata;
  const location = locationOf(repository);
  const name = repository.spec.backend.storageSecretName;
  if (name === undefined) {
    throw new ParameterError(`${label(repository)}: spec.backend.storageSecretName is missing`, {
      hint: `Name a Secret of namespace "${namespace}" that has RESTIC_PASSWORD`,
    });
  }
  return openBackend(cluster, { location, storageSecret: { namespace, name } }, options);
}

/** The location together with what its storage Secret says. @throws ParameterError for a Secret that lacks what is needed */
export async function openBackend(
  cluster: Cluster,
  { location, storageSecret }: { readonly location: BackendLocation; readonly storageSecret: ObjectName },
  options: ClusterOptions,
): Promise<RepositoryBackend> {
  const storage = await readStorageSecret(cluster, storageSecret, options);
  const passphrase = storage.text("RESTIC_PASSWORD");
  if (passphrase === undefined) {
    throw new ParameterError(`${storage.origin} has no RESTIC_PASSWORD: the passphrase of the repository`, {
      hint: "Add it; keep it safe: without it no backup can be read",
    });
  }
  const ca = storage.text("CA_CERT_DATA");
  return {
    location,
    passphrase: new Secret(passphrase),
    credentials: location.kind === "s3" ? readCredentials(storage) : undefined,
    ca: ca === undefined ? undefined : readCertificates(Buffer.from(ca), `${storage.origin}: CA_CERT_DATA`),
  };
}

/** What the fields are called where a person wrote them. */
export interface BackendFields {
  readonly backend: string;
  readonly mountPath: string;
  readonly bucket: string;
  readonly prefix: string;
  readonly endpoint: string;
}

const repositoryFields: BackendFields = {
  backend: "spec.backend",
  mountPath: "spec.backend.local.mountPath",
  bucket: "spec.backend.s3.bucket",
  prefix: "spec.backend.s3.prefix",
  endpoint: "spec.backend.s3.endpoint",
};

/** Where the Repository keeps its backups, without a look at its Secret. @throws ParameterError naming the field, for a backend that we cannot serve */
export function locationOf(repository: Repository): BackendLocation {
  return findLocation(repository.spec.backend, { label: label(repository), fields: repositoryFields });
}

type Backend = Repository["spec"]["backend"];

/** @throws ParameterError naming the field, for a backend that we cannot serve and for one that is not right */
export function findLocation(backend: Backend, { label, fields }: { label: string; fields: BackendFields }): BackendLocation {
  const chosen = backends.find((name) => backend[name] !== undefined);
  const fail = (message: string, hint?: string): never => {
    throw new ParameterError(`${label}: ${message}`, hint === undefined ? {} : { hint });
  };
  if (backend.local !== undefined) return { kind: "directory", path: checkMountPath(backend.local.mountPath, { fields, fail }) };
  if (backend.s3 !== undefined) return findS3(backend.s3, { fields, fail });
  if (chosen === undefined) return fail(`${fields.backend} needs one of ${backends.join(", ")}`);
  return fail(`the backend ${chosen} is not supported yet`, "Use local or s3");
}

interface Check {
  readonly fields: BackendFields;
  readonly fail: (message: string, hint?: string) => never;
}

function checkMountPath(path: string, { fields, fail }: Check): string {
  if (!posix.isAbsolute(path) || path.split("/").includes("..")) {
    return fail(`${fields.mountPath}: expected an absolute path without ".."`);
  }
  return posix.resolve(path);
}

function findS3(s3: NonNullable<Backend["s3"]>, { fields, fail }: Check): S3Location {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(s3.bucket)) return fail(`${fields.bucket}: expected the name of a bucket, without a path`);
  const segments = (s3.prefix ?? "").split("/").filter((segment) => segment !== "" && segment !== ".");
  if (segments.includes("..")) return fail(`${fields.prefix}: expected a path without ".."`);
  if (s3.endpoint?.includes("@")) {
    return fail(`${fields.endpoint} must not hold a user or a password`, "Put the credentials into the storage Secret");
  }
  return {
    kind: "s3",
    bucket: s3.bucket,
    prefix: segments.join("/"),
    endpoint: s3.endpoint || undefined,
    region: s3.region || undefined,
    insecureTls: s3.insecureTLS === true,
  };
}

interface StorageSecret {
  readonly origin: string;
  /** The value as text; `undefined` when it is missing or empty. */
  text(key: string): string | undefined;
}

async function readStorageSecret(cluster: Cluster, name: ObjectName, options: ClusterOptions): Promise<StorageSecret> {
  const values = await cluster.secret(name, options);
  const origin = `Secret "${name.namespace}/${name.name}"`;
  return { origin, text: (key) => decodeText(values.get(key), `${origin}: ${key}`) };
}

function readCredentials(storage: StorageSecret): BackendCredentials | undefined {
  const id = storage.text("AWS_ACCESS_KEY_ID");
  const key = storage.text("AWS_SECRET_ACCESS_KEY");
  const token = storage.text("AWS_SESSION_TOKEN");
  if (id === undefined && key === undefined && token === undefined) return undefined;
  if (id === undefined || key === undefined) {
    throw new ParameterError(`${storage.origin} needs both AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or neither`, {
      hint: "Without them the job's own identity is used (a role of its service account, say)",
    });
  }
  for (const [name, value] of [
    ["AWS_ACCESS_KEY_ID", id],
    ["AWS_SECRET_ACCESS_KEY", key],
  ] as const) {
    if (/\s/.test(value)) {
      throw new ParameterError(`${storage.origin}: ${name} holds a space or a line break`, {
        hint: "Store the value without the line break at its end (echo adds one, printf does not)",
      });
    }
  }
  return { accessKeyId: id, secretAccessKey: new Secret(key), sessionToken: token === undefined ? undefined : new Secret(token) };
}

function decodeText(bytes: Uint8Array | undefined, origin: string): string | undefined {
  if (bytes === undefined || bytes.length === 0) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new ParameterError(`${origin} is not text in UTF-8`, { cause });
  }
}

function label(repository: Repository): string {
  return `Repository "${repository.metadata.namespace}/${repository.metadata.name}"`;
}
