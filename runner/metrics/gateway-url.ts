import { Redaction } from "../redaction.ts";
import { Secret } from "../secret.ts";

export interface GatewayPlace {
  /** Scheme, host, port and path prefix, without a slash at the end. */
  readonly description: string;
  readonly authorization: Secret | undefined;
  /** Takes the user's password, in whatever form, out of a text. */
  redact(text: string): string;
}

/** Reads the gateway's URL, whose user and password are secrets. @throws Error that does not quote them */
export function readGatewayUrl(text: string): GatewayPlace {
  const expected = "expected a URL such as http://pushgateway.monitoring.svc:9091";
  const url = URL.parse(text);
  // Nothing of the text is quoted: what cannot be parsed may have its password anywhere.
  if (url === null) throw new Error(`the gateway's URL is not a URL: ${expected}`);
  if (url.protocol !== "http:" && url.protocol !== "https:") throw new Error(`the gateway's URL is neither http nor https: ${expected}`);
  if (url.search !== "" || url.hash !== "")
    throw new Error("the gateway's URL has a query or a fragment, which a push cannot keep: leave it out");
  const redaction = new Redaction();
  const credentials = [url.username, url.password].map(decode);
  const isAnonymous = credentials.every((part) => part === "");
  const authorization = new Secret(`Basic ${Buffer.from(credentials.join(":")).toString("base64")}`);
  // A user without a password is a token.
  const secrets = url.password === "" ? credentials : [url.password, ...credentials.slice(1)];
  if (!isAnonymous) for (const secret of [...secrets, credentials.join(":")]) redaction.add(new Secret(secret));
  return {
    description: `${url.origin}${url.pathname.replace(/\/+$/, "")}`,
    authorization: isAnonymous ? undefined : authorization,
    redact: (message) => redaction.redact(message),
  };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    // A percent sign of the password's own that nobody encoded.
    return part;
  }
}
