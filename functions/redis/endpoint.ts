// endpoint: where a Redis or Valkey listens and how to speak to it. link: one connected, authenticated socket.
// reply: the server's answer to one command. snapshot transfer: the RDB that follows a SYNC.
import type { ConnectionOptions } from "node:tls";
import { ParameterError } from "../../runner/errors.ts";
import type { DatabaseConnection, Secret } from "../../runner/function.ts";
import { tlsOptions } from "../../runner/tls-options.ts";

export interface RedisEndpoint {
  /** Without credentials, for messages. */
  readonly description: string;
  readonly host: string;
  readonly port: number;
  /** Absent: the link is in clear. */
  readonly tls: ConnectionOptions | undefined;
  readonly username: string | undefined;
  /** Absent: no AUTH is sent. */
  readonly password: Secret | undefined;
  /** What a person should know about this endpoint although it can be used. */
  readonly notices: readonly { readonly reason: string; readonly message: string }[];
}

/**
 * Reads the endpoint out of a database connection. TLS is spoken when the scheme says so or when a CA is given, and verified unless the
 * connection says otherwise.
 * @throws ParameterError
 */
export function redisEndpoint(database: DatabaseConnection): RedisEndpoint {
  const { description, host, port, tls } = database;
  if (host === "") throw new ParameterError(`Cannot connect to ${description}: it names no host`);
  if (port === undefined)
    throw new ParameterError(`Cannot connect to ${description}: it names no port`, { hint: "Redis usually listens on 6379" });
  if (!/^\/?$/.test(database.path) || database.query !== undefined)
    throw new ParameterError(`Cannot connect to ${description} alone: its address goes on with a path or a query`, {
      hint: "Every database of the server is backed up and restored under its own number; TLS is the scheme rediss",
    });
  const password = nonEmpty(database.credentials.get("password"));
  const username = nonEmpty(database.credentials.get("username"))?.reveal();
  const usesTls = database.scheme === "rediss" || database.scheme === "https" || tls.ca !== undefined;
  const notices: { reason: string; message: string }[] = [];
  if (!usesTls && tls.clientCertificate !== undefined)
    notices.push({
      reason: "ClientCertificateUnused",
      message: `A client certificate is given for ${description}, but no TLS is spoken: use the scheme rediss, or give the CA`,
    });
  if (!usesTls && tls.serverName !== undefined)
    notices.push({
      reason: "ServerNameUnused",
      message: `A server name for TLS is given for ${description}, but no TLS is spoken: use the scheme rediss, or give the CA`,
    });
  if (username !== undefined && password === undefined)
    notices.push({ reason: "UsernameUnused", message: `A user name without a password is given for ${description}: no AUTH is sent` });
  return { description, host, port, tls: usesTls ? tlsOptions(database) : undefined, username, password, notices };
}

function nonEmpty(secret: Secret | undefined): Secret | undefined {
  return secret === undefined || secret.reveal() === "" ? undefined : secret;
}
