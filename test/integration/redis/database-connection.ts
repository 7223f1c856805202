import { readFile } from "node:fs/promises";
import { type DatabaseConnection, Secret, type TlsMaterial } from "../../../runner/function.ts";
import type { RedisServer } from "../../servers/redis-server.ts";

export interface ConnectionChoices {
  readonly username?: string;
  readonly password?: string;
  readonly host?: string;
  readonly port?: number;
  readonly scheme?: string;
  readonly tls?: Partial<TlsMaterial>;
}

/** What the runner would make of an AppBinding for this server: in clear unless `tls` is given. */
export function databaseConnection(server: Pick<RedisServer, "port" | "tlsPort">, choices: ConnectionChoices = {}): DatabaseConnection {
  const host = choices.host ?? "127.0.0.1";
  const port = choices.port ?? (choices.tls === undefined ? server.port : server.tlsPort);
  const credentials = new Map<string, Secret>();
  if (choices.username !== undefined) credentials.set("username", new Secret(choices.username));
  if (choices.password !== undefined) credentials.set("password", new Secret(choices.password));
  const scheme = choices.scheme ?? "redis";
  return { description: `${scheme}://${host}:${port}`, scheme, host, port, path: "", tls: { verify: true, ...choices.tls }, credentials };
}

/** The TLS material that fits a server started with `tls: true`. */
export async function tlsMaterial(server: RedisServer, options: { clientCertificate?: boolean } = {}): Promise<Partial<TlsMaterial>> {
  if (server.certificates === undefined) throw new Error("the server was started without TLS");
  const { ca, clientCert, clientKey } = server.certificates;
  const client = options.clientCertificate
    ? { clientCertificate: await readFile(clientCert, "utf8"), clientKey: new Secret(await readFile(clientKey, "utf8")) }
    : {};
  return { ca: await readFile(ca, "utf8"), ...client };
}
