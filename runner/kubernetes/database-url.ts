import { ParameterError } from "../errors.ts";

/** The parts of a database's URL. */
export interface DatabaseUrl {
  readonly scheme: string;
  /** An IPv6 address without its brackets. */
  readonly host: string;
  readonly port: number | undefined;
  readonly path: string;
  readonly query: string | undefined;
  /** Decoded; empty when there is none. */
  readonly username: string;
  readonly hasPassword: boolean;
}

/** What http and https mean without a port; `URL` drops these two from its result. */
const impliedPorts: Readonly<Record<string, number>> = { http: 80, https: 443 };

/** Where a URL stands, and what to do about a wrong one. */
export interface UrlOrigin {
  readonly origin: string;
  readonly hint: string;
}

/** Takes SCHEME://[USER[:PASSWORD]@]HOST[:PORT][/PATH][?QUERY] apart. @throws ParameterError that quotes no part of the text: it may hold a password */
export function parseDatabaseUrl(text: string, origin: UrlOrigin): DatabaseUrl {
  const url = /^[A-Za-z][A-Za-z0-9+.-]*:\/\//.test(text) && !/\s/.test(text) ? URL.parse(text) : null;
  if (url === null || url.hostname === "") throw invalidUrl(origin, "expected SCHEME://HOST:PORT");
  // A "/", "?" or "#" in a password ends the host too early: the rest of the password, with the "@", is then taken for a path.
  if (`${url.pathname}${url.search}${url.hash}`.includes("@")) throw invalidUrl(origin, 'an "@" must stand before the host only');
  if (url.hash !== "") throw invalidUrl(origin, 'expected no "#"');
  const scheme = url.protocol.slice(0, -1);
  return {
    scheme,
    host: url.hostname.replace(/^\[(.*)\]$/, "$1"),
    port: url.port === "" ? impliedPorts[scheme] : Number(url.port),
    path: url.pathname,
    query: url.search === "" ? undefined : url.search.slice(1),
    username: decodeUsername(url.username, origin),
    hasPassword: url.password !== "",
  };
}

/** SCHEME://HOST:PORT, for messages. */
export function describeUrl({ scheme, host, port }: Pick<DatabaseUrl, "scheme" | "host" | "port">): string {
  const authority = host.includes(":") ? `[${host}]` : host;
  return `${scheme}://${authority}${port === undefined ? "" : `:${port}`}`;
}

function decodeUsername(encoded: string, origin: UrlOrigin): string {
  try {
    return decodeURIComponent(encoded);
  } catch {
    throw invalidUrl(origin, "the user name is not percent-encoded correctly");
  }
}

function invalidUrl({ origin, hint }: UrlOrigin, fault: string): ParameterError {
  return new ParameterError(`${origin} is not a usable URL: ${fault}`, { hint });
}
