// endpoint: where an Elasticsearch or OpenSearch listens and how to speak to it. transport: requests to one endpoint.
import { isIP } from "node:net";
import type { ConnectionOptions } from "node:tls";
import { ParameterError } from "../../runner/errors.ts";
import { type DatabaseConnection, Secret } from "../../runner/function.ts";
import { tlsOptions } from "../../runner/tls-options.ts";

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
  readonly notices: readonly Notice[];
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
  if (!/^[\x21-\x7e]*$/.test(path) || /[?#]/.test(path))
    throw new ParameterError(`Cannot connect to ${description}: its path holds what no address may hold`, {
      hint: 'Percent-encode it; a query ("?") is not supported',
    });
  const { authorization, notices: ofCredentials } = readCredentials(database);
  const usesTls = scheme === "https";
  return {
    description,
    origin: `${scheme}://${isIP(host) === 6 ? `[${host}]` : host}:${port ?? (usesTls ? 443 : 80)}`,
    pathPrefix: path.replace(/\/+$/, ""),
    tls: usesTls ? tlsOptions(database) : undefined,
    authorization,
    notices: [...ofCredentials, ...(usesTls ? [] : judgeClearText(database, authorization))],
  };
}

interface Notice {
  readonly reason: string;
  readonly message: string;
}

function judgeClearText({ description, tls }: DatabaseConnection, authorization: Secret | undefined): Notice[] {
  const notices: Notice[] = [];
  if (tls.ca !== undefined || tls.clientCertificate !== undefined || tls.serverName !== undefined)
    notices.push({ reason: "TlsUnused", message: `Certificates are given for ${description}, but no TLS is spoken: use the scheme https` });
  if (authorization !== undefined)
    notices.push({ reason: "PasswordInClear", message: `Credentials are sent to ${description} in clear: use the scheme https` });
  return notices;
}

interface Credentials {
  readonly authorization: Secret | undefined;
  readonly notices: readonly Notice[];
}

const HINT =
  'The Secret that the AppBinding names holds "username" and "password" ("ADMIN_USERNAME" and "ADMIN_PASSWORD" are taken as well), or "apiKey"; with --url the user stands before the host, and the password comes from HOLDFAST_DATABASE_PASSWORD or --database-password-file';

/** Keys of the Secret: apiKey, or username and password, or ADMIN_USERNAME and ADMIN_PASSWORD. No Secret: anonymous access. */
function readCredentials({ credentials, description }: DatabaseConnection): Credentials {
  if (credentials.size === 0) return { authorization: undefined, notices: [] };
  const get = (...names: string[]) =>
    names.map((name) => credentials.get(name)?.reveal()).find((text) => text !== undefined && text !== "");
  const apiKey = get("apiKey", "api-key", "API_KEY");
  const username = get("username", "ADMIN_USERNAME");
  const password = get("password", "ADMIN_PASSWORD");
  if (apiKey !== undefined) {
    const message = `An API key is given for ${description}: user and password are not used`;
    const isUnused = username !== undefined || password !== undefined;
    return { authorization: readApiKey(apiKey, description), notices: isUnused ? [{ reason: "PasswordUnused", message }] : [] };
  }
  const missing = [
    ...(username === undefined ? ['"username" (or "ADMIN_USERNAME")'] : []),
    ...(password === undefined ? ['"password" (or "ADMIN_PASSWORD")'] : []),
  ];
  if (username === undefined || password === undefined)
    throw new ParameterError(`Cannot authenticate to ${description}: ${missing.join(" and ")} is missing or empty`, {
      reason: "CredentialsMissing",
      hint: HINT,
    });
  if (username.includes(":")) throw new ParameterError(`Cannot authenticate to ${description}: a user name may not hold a colon`);
  const message = `User name or password for ${description} ends with a line break, which belongs to it: was the Secret made from a file?`;
  return {
    authorization: new Secret(`Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`),
    notices: /[\r\n]$/.test(username) || /[\r\n]$/.test(password) ? [{ reason: "LineBreakInPassword", message }] : [],
  };
}

/** As Elasticsearch gives it: encoded, or as identifier, colon and key. */
function readApiKey(text: string, description: string): Secret {
  const key = text.trim();
  if (!/^[\x21-\x7e]+$/.test(key))
    throw new ParameterError(`Cannot authenticate to ${description}: the API key holds what no key may hold`);
  return new Secret(`ApiKey ${key.includes(":") ? Buffer.from(key).toString("base64") : key}`);
}
