// connection: where the Kubernetes API is, and what proves who we are. Credentials are asked for before every request: they change in a long run.
import type { RequestOptions } from "node:https";
import { ParameterError } from "../errors.ts";

/** What a request takes beside its own method, path and body. */
export type ApiCredentials = Pick<
  RequestOptions,
  "headers" | "auth" | "ca" | "cert" | "key" | "passphrase" | "rejectUnauthorized" | "servername" | "agent"
>;

export interface ApiConnection {
  readonly server: URL;
  credentials(): Promise<ApiCredentials>;
  /** Called once after a 401: forgets what was remembered of the credentials. */
  renew(): Promise<void>;
}

/** @throws ParameterError for what is no URL of an API server, without quoting it: it may hold a password */
export function parseServer(text: string, origin: string): URL {
  const url = URL.parse(text);
  const isHttp = url?.protocol === "https:" || url?.protocol === "http:";
  if (url === null || !isHttp || url.search !== "" || url.hash !== "" || url.username !== "" || url.password !== "") {
    throw new ParameterError(`${origin} is no URL of an API server: expected https://HOST:PORT, without user and password`);
  }
  if (url.protocol === "http:" && !["127.0.0.1", "localhost", "[::1]"].includes(url.hostname)) {
    throw new ParameterError(`${origin} is http: tokens and Secrets would cross the network in clear`, {
      hint: "Use https; http is accepted for 127.0.0.1, localhost and [::1] only, where kubectl proxy listens",
    });
  }
  return url;
}
