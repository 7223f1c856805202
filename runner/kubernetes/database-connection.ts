import { ParameterError } from "../errors.ts";
import { type DatabaseConnection, Secret, type TlsMaterial } from "../function.ts";
import type { AppBinding, Cluster, ClusterOptions } from "./cluster.ts";
import { type DatabaseUrl, describeUrl, parseDatabaseUrl } from "./database-url.ts";
import { decodeBase64 } from "./decode-base64.ts";
import { readCertificates, readClientCertificate } from "./read-certificates.ts";
import { applySecretTransforms } from "./secret-transforms.ts";

/**
 * How to reach the database that an AppBinding names: its Service, else its URL; credentials and certificates from Secrets of the
 * AppBinding's own namespace. TLS is verified unless the AppBinding says otherwise.
 * @throws ParameterError naming the object, the field and what was expected, never a secret
 */
export async function resolveDatabase(cluster: Cluster, appBinding: AppBinding, options: ClusterOptions = {}): Promise<DatabaseConnection> {
  const { scheme, host, port, path, query } = findAddress(appBinding);
  const credentials = await readCredentials(cluster, appBinding, options);
  const tls = await readTls(cluster, appBinding, options);
  return { description: describeUrl({ scheme, host, port }), scheme, host, port, path, query, tls, credentials };
}

/** The connection that `--url` and its companions describe. @throws ParameterError, without the password when the URL holds one */
export function databaseFromUrl(
  text: string,
  options: {
    readonly username?: string | undefined;
    readonly password?: Secret | undefined;
    readonly tls?: TlsMaterial | undefined;
  } = {},
): DatabaseConnection {
  const origin = "--url (HOLDFAST_URL)";
  // Also for a URL that does not parse: a "/" in a password is enough for that.
  const hint =
    "Write it like redis://db.example.com:6379 or https://USER@search.example.com:9200; a password goes into HOLDFAST_DATABASE_PASSWORD or the file of --database-password-file";
  const { scheme, host, port, path, query, ...user } = parseDatabaseUrl(text, { origin, hint });
  if (user.hasPassword) throw new ParameterError(`${origin} must not hold a password: command lines can be read by others`, { hint });
  const credentials = new Map<string, Secret>();
  const username = options.username ?? user.username;
  if (username !== "") credentials.set("username", new Secret(username));
  if (options.password !== undefined) credentials.set("password", options.password);
  const tls = checkTls(options.tls ?? { verify: true });
  return { description: describeUrl({ scheme, host, port }), scheme, host, port, path, query, tls, credentials };
}

function findAddress(appBinding: AppBinding): Pick<DatabaseUrl, "scheme" | "host" | "port" | "path" | "query"> {
  const { service, url } = appBinding.spec.clientConfig;
  if (service !== undefined) {
    const host = `${service.name}.${service.namespace ?? appBinding.metadata.namespace}.svc`;
    const path = `/${(service.path ?? "").replace(/^\//, "")}`;
    return { scheme: service.scheme.toLowerCase(), host, port: service.port, path, query: service.query || undefined };
  }
  if (url === undefined || url === "")
    throw new ParameterError(`${label(appBinding)}: spec.clientConfig needs service or url`, {
      hint: "Add spec.clientConfig.service, or a url",
    });
  const origin = `${label(appBinding)}: spec.clientConfig.url`;
  const hint = "Write it like https://db.example.com:9200; user and password go into a Secret with these keys, named in spec.secret";
  const parsed = parseDatabaseUrl(url, { origin, hint });
  if (parsed.username !== "" || parsed.hasPassword) throw new ParameterError(`${origin} must not hold a user or a password`, { hint });
  return parsed;
}

async function readCredentials(cluster: Cluster, appBinding: AppBinding, options: ClusterOptions): Promise<ReadonlyMap<string, Secret>> {
  const name = secretName(appBinding, "secret");
  const { namespace } = appBinding.metadata;
  const stored = name === undefined ? new Map<string, Uint8Array>() : await cluster.secret({ namespace, name }, options);
  const values = await applySecretTransforms(cluster, appBinding, { ...options, values: stored });
  return new Map([...values].map(([key, bytes]) => [key, new Secret(decodeText(bytes, `${label(appBinding)}: credential "${key}"`))]));
}

async function readTls(cluster: Cluster, appBinding: AppBinding, options: ClusterOptions): Promise<TlsMaterial> {
  const { caBundle, serverName, insecureSkipTLSVerify } = appBinding.spec.clientConfig;
  const client = await readClientSecret(cluster, appBinding, options);
  const ca = caBundle === undefined || caBundle === "" ? client?.ca : readCaBundle(caBundle, appBinding);
  const { clientCertificate, clientKey } = client ?? {};
  return { ca, clientCertificate, clientKey, serverName: serverName || undefined, verify: insecureSkipTLSVerify !== true };
}

function readCaBundle(caBundle: string, appBinding: AppBinding): string {
  const origin = `${label(appBinding)}: spec.clientConfig.caBundle`;
  const bytes = decodeBase64(caBundle);
  if (bytes === undefined) throw new ParameterError(`${origin}: expected PEM certificates as base64`);
  return readCertificates(bytes, origin);
}

/** `parameters.clientCertSecret` comes first: it is what addons have always read; `tlsSecret` names the same Secret as a rule. */
async function readClientSecret(cluster: Cluster, appBinding: AppBinding, options: ClusterOptions) {
  const name = appBinding.spec.parameters?.clientCertSecret?.name ?? secretName(appBinding, "tlsSecret");
  if (name === undefined) return undefined;
  const { namespace } = appBinding.metadata;
  const values = await cluster.secret({ namespace, name }, options);
  const entry = (key: string) => {
    const bytes = values.get(key);
    const origin = `Secret "${namespace}/${name}": ${key}`;
    if (bytes !== undefined) return { bytes, origin };
    throw new ParameterError(`${origin} is missing`, { hint: `${label(appBinding)} takes its client certificate from this Secret` });
  };
  const ca = values.has("ca.crt") ? readCertificates(entry("ca.crt").bytes, entry("ca.crt").origin) : undefined;
  return { ca, ...readClientCertificate(entry("tls.crt"), entry("tls.key")) };
}

function secretName(appBinding: AppBinding, field: "secret" | "tlsSecret"): string | undefined {
  const reference = appBinding.spec[field];
  if (reference === undefined) return undefined;
  if (reference.kind !== "Secret" || reference.apiGroup !== "") {
    throw new ParameterError(`${label(appBinding)}: spec.${field} refers to a kind other than Secret, which is not supported`, {
      hint: "Name a Secret of the AppBinding's namespace",
    });
  }
  return reference.name;
}

/** The files of the flags are judged as strictly as an AppBinding's Secrets. */
function checkTls(tls: TlsMaterial): TlsMaterial {
  const { clientCertificate, clientKey } = tls;
  if ((clientCertificate === undefined) !== (clientKey === undefined)) {
    throw new ParameterError("--tls-cert and --tls-key belong together: give both or neither");
  }
  if (tls.ca !== undefined) readCertificates(Buffer.from(tls.ca), "The file of --tls-ca");
  if (clientCertificate !== undefined && clientKey !== undefined) {
    const certificate = { bytes: Buffer.from(clientCertificate), origin: "The file of --tls-cert" };
    readClientCertificate(certificate, { bytes: Buffer.from(clientKey.reveal()), origin: "The file of --tls-key" });
  }
  return tls;
}

function decodeText(bytes: Uint8Array, origin: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new ParameterError(`${origin} is not text in UTF-8`, {
      cause,
      hint: "If it is no credential, remove it with a removeKey in spec.secretTransforms",
    });
  }
}

function label(appBinding: AppBinding): string {
  return `AppBinding "${appBinding.metadata.namespace}/${appBinding.metadata.name}"`;
}
