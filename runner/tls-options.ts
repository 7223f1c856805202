import { isIP } from "node:net";
import { type ConnectionOptions, checkServerIdentity } from "node:tls";
import { ParameterError } from "./errors.ts";
import type { DatabaseConnection } from "./function.ts";

/** What a TLS connection to the database is opened with; the certificate is verified unless the connection says otherwise. @throws ParameterError */
export function tlsOptions({ host, tls, description }: Pick<DatabaseConnection, "host" | "tls" | "description">): ConnectionOptions {
  if ((tls.clientCertificate === undefined) !== (tls.clientKey === undefined))
    throw new ParameterError(`Cannot connect to ${description}: a client certificate and its key are needed together`);
  const name = tls.serverName || host;
  return {
    rejectUnauthorized: tls.verify,
    // An IP address must not be sent as SNI, and is not taken from the socket as a name to check.
    ...(isIP(name) ? {} : { servername: name }),
    checkServerIdentity: (_, certificate) => checkServerIdentity(name, certificate),
    ...(tls.ca === undefined ? {} : { ca: tls.ca }),
    ...(tls.clientCertificate === undefined ? {} : { cert: tls.clientCertificate, key: tls.clientKey?.reveal() }),
  };
}
