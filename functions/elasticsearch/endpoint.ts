// endpoint: where an Elasticsearch or OpenSearch listens and how to speak to it. transport: requests to one endpoint.
import { isIP } from "node:net";
import { type ConnectionOptions, checkServerIdentity } from "node:tls";
import { ParameterError } from "../../runner/errors.ts";
import { type DatabaseConnection, Secret } from "../../runner/function.ts";

export interface SearchEndpoint {
  /** Without credentials, for messages. */
  readonly description: string;
  /** "https://search.demo.svc:9200". */
  readonly origin: string;
  /** In front of every path, without a slash at its end: "" or "/search". */
  readonly pathPrefix: string;
  /** Absent: plain HTTP. */
  readonly tls: ConnectionOptions | undefined;
  /** The value of the Authorization header; absent for anonymous access. */
  readonly authorization: Secret | undefined;
  /** What a person should know about this endpoint although it can be used. */
  readonly notices: readonly { readonly reason: string; readonly message: string }[];
}

/**
 * Reads the endpoint out of a database connection. TLS is spoken when the scheme is https, and verified unless the connection says otherwise.
 * @throws ParameterError
 */
export function searchEndpoint(database: DatabaseConnection): SearchEndpoint {
  const { description, scheme, host, port, path } = database;
  if (host === "") throw new ParameterError(`Cannot connect to ${description}: it names no host`);
  if (scheme !== "http" && scheme !== "https")
    throw new ParameterError(`Cannot connect to ${description}: the scheme must be http or https`, {
      hint: "Elasticsearch and OpenSearch speak HTTP, usually on port 9200",
    });
  if (database.query !== undefined) throw new ParameterError(`Cannot connect to ${description} alone: its address goes on with a query`);
  const { authorization, notices: ofCredentials } = readCredentials(database);
  const usesTls = scheme === "https";
  const notices = [...ofCredentials];
  if (!usesTls && (database.tls.ca !== undefined || database.tls.clientCertificate !== undefined))
    notices.push({ reason: "TlsUnused", message: `Certificates are given for ${description}, but no TLS is spoken: use the scheme https` });
  if (!usesTls && authorization !== undefined)
    notices.push({ reason: "PasswordInClear", message: `Credentials are sent to ${description} in clear: use the scheme https` });
  return {
    description,
    origin: `${scheme}://${isIP(host) === 6 ? `[${host}]` : host}:${port ?? (usesTls ? 443 : 80)}`,
    pathPrefix: path.replace(/\/+$/, ""),
    tls: usesTls ? tlsOptions(database) : undefined,
    authorization,
    notices,
  };
}

interface Credentials {
  readonly authorization: Secret | undefined;
  readonly notices: readonly { readonly reason: string; readonly message: string }[];
}

/** Keys of the Secret: apiKey, or username and password, or ADMIN_USERNAME and ADMIN_PASSWORD. None of them: anonymous access. */
function readCredentials({ credentials, description }: DatabaseConnection): Credentials {
  const get = (...names: string[]) =>
    names.map((name) => credentials.get(name)?.reveal()).find((text) => text !== undefined && text !== "");
  const apiKey = get("apiKey", "api-key", "API_KEY");
  const username = get("username", "ADMIN_USERNAME");
  const password = get("password", "ADMIN_PASSWORD");
  if (apiKey !== undefined) {
    const notices =
      username === undefined
        ? []
        : [{ reason: "PasswordUnused", message: `An API key is given for ${description}: the password is not used` }];
    return { authorization: new Secret(`ApiKey ${apiKey}`), notices };
  }
  if (username === undefined && password === undefined) return { authorization: undefined, notices: [] };
  if (username === undefined || password === undefined) {
    const missing = username === undefined ? '"username" or "ADMIN_USERNAME"' : '"password" or "ADMIN_PASSWORD"';
    throw new ParameterError(`Cannot authenticate to ${description}: the Secret lacks the key ${missing}`);
  }
  if (username.includes(":")) throw new ParameterError(`Cannot authenticate to ${description}: a user name may not hold a colon`);
  return { authorization: new Secret(`Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`), notices: [] };
}

function tlsOptions({ host, tls, description }: DatabaseConnection): ConnectionOptions {
  if ((tls.clientCertificate === undefined) !== (tls.clientKey === undefined))
    throw new ParameterError(`Cannot connect to ${description}: a client certificate and its key are needed together`);
  const name = tls.serverName || host;
  return {
    rejectUnauthorized: tls.verify,
    ...(isIP(name) ? {} : { servername: name }),
    checkServerIdentity: (_, certificate) => checkServerIdentity(name, certificate),
    ...(tls.ca === undefined ? {} : { ca: tls.ca }),
    ...(tls.clientCertificate === undefined ? {} : { cert: tls.clientCertificate, key: tls.clientKey?.reveal() }),
  };
}
