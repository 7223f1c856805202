import { inspect } from "node:util";
import { searchEndpoint } from "../../../functions/elasticsearch/endpoint.ts";
import { ParameterError } from "../../../runner/errors.ts";
import { type DatabaseConnection, Secret, type TlsMaterial } from "../../../runner/function.ts";

test.each([
  [{}, "https://search.demo.svc:9200"],
  [{ scheme: "http" }, "http://search.demo.svc:9200"],
  [{ host: "::1" }, "https://[::1]:9200"],
  [{ host: "10.0.0.7", port: undefined }, "https://10.0.0.7:443"],
  [{ scheme: "http", port: undefined }, "http://search.demo.svc:80"],
])("the origin of %j is %s", (choices, origin) => {
  expect(searchEndpoint(connection(choices)).origin).toBe(origin);
});

test.each([
  ["", ""],
  ["/", ""],
  ["/search", "/search"],
  ["/search/a%20b//", "/search/a%20b"],
])("the path %j goes in front of every path as %j", (path, prefix) => {
  expect(searchEndpoint(connection({ path })).pathPrefix).toBe(prefix);
});

test("TLS follows the scheme alone, and is verified against the name of the host unless the connection says otherwise", () => {
  const tls = (choices: Choices) => searchEndpoint(connection(choices)).tls;

  expect(tls({ scheme: "http", tls: { ca: "PEM" } })).toBeUndefined();
  expect(tls({})).toMatchObject({ rejectUnauthorized: true, servername: "search.demo.svc" });
  expect(tls({ tls: { serverName: "other" } })).toMatchObject({ rejectUnauthorized: true, servername: "other" });
  expect(tls({ tls: { verify: false } })).toMatchObject({ rejectUnauthorized: false });
});

test("authority, client certificate and key are handed on", () => {
  const tls = { ca: "CA", clientCertificate: "CERTIFICATE", clientKey: new Secret("KEY") };

  expect(searchEndpoint(connection({ tls })).tls).toMatchObject({ ca: "CA", cert: "CERTIFICATE", key: "KEY" });
});

test("an IP address is checked but not sent as a server name", () => {
  const { tls } = searchEndpoint(connection({ host: "10.0.0.7" }));

  expect(tls).not.toHaveProperty("servername");
  const check = (address: string) =>
    tls?.checkServerIdentity?.("ignored", { subject: { CN: "x" }, subjectaltname: `IP Address:${address}` } as never);
  expect(check("10.0.0.7")).toBeUndefined();
  expect(check("10.0.0.8")).toHaveProperty("code", "ERR_TLS_CERT_ALTNAME_INVALID");
});

test.each([
  [{}, undefined],
  [{ username: "ops", password: "pass" }, "Basic b3BzOnBhc3M="],
  [{ ADMIN_USERNAME: "ops", ADMIN_PASSWORD: "pass" }, "Basic b3BzOnBhc3M="],
  [{ username: "ops", password: "pass", ADMIN_USERNAME: "admin", ADMIN_PASSWORD: "other" }, "Basic b3BzOnBhc3M="],
  [{ username: "", ADMIN_USERNAME: "ops", password: "pass" }, "Basic b3BzOnBhc3M="],
  [{ username: "öps", password: "pä:ß" }, `Basic ${Buffer.from("öps:pä:ß", "utf8").toString("base64")}`],
  [{ apiKey: "aWQ6a2V5" }, "ApiKey aWQ6a2V5"],
  [{ apiKey: "aWQ6a2V5\n" }, "ApiKey aWQ6a2V5"],
  [{ "api-key": "id:key" }, "ApiKey aWQ6a2V5"],
])("R8: the credentials %j are sent as %s", (credentials, header) => {
  expect(searchEndpoint(connection({ credentials })).authorization?.reveal()).toBe(header);
});

test.each([
  ["no user", { password: "canary-1" }, '"username" (or "ADMIN_USERNAME") is missing or empty'],
  ["no password", { username: "ops" }, '"password" (or "ADMIN_PASSWORD") is missing or empty'],
  ["an empty password", { username: "ops", password: "" }, '"password" (or "ADMIN_PASSWORD") is missing or empty'],
  [
    "other keys only",
    { user: "ops", pass: "canary-1" },
    '"username" (or "ADMIN_USERNAME") and "password" (or "ADMIN_PASSWORD") is missing',
  ],
  ["a colon in the user name", { username: "a:b", password: "canary-1" }, "may not hold a colon"],
  ["an API key of more than one line", { apiKey: "canary-1\nX-Other: 1" }, "the API key holds what no key may hold"],
])("R8: a Secret with %s is a wrong parameter that is named, and quotes no value", (_, credentials, message) => {
  const fail = () => searchEndpoint(connection({ credentials: credentials as never }));

  expect(fail).toThrow(ParameterError);
  expect(fail).toThrow(message);
  expect(fail).not.toThrow("canary-1");
});

test.each([
  ["no host", { host: "" }],
  ["another scheme", { scheme: "redis" }],
  ["a query", { query: "pretty" }],
  ["a query in the path", { path: "/a?b" }],
  ["a space in the path", { path: "/a b" }],
  ["a line break in the path", { path: "/a\r\nX-Other: 1" }],
  ["a client certificate without its key", { tls: { clientCertificate: "PEM" } }],
])("%s is a wrong parameter", (_, choices) => {
  expect(() => searchEndpoint(connection(choices))).toThrow(ParameterError);
});

test.each([
  ["credentials in clear", { scheme: "http", credentials: { username: "ops", password: "pass" } }, "PasswordInClear"],
  ["an authority without TLS", { scheme: "http", tls: { ca: "PEM" } }, "TlsUnused"],
  ["a server name without TLS", { scheme: "http", tls: { serverName: "other" } }, "TlsUnused"],
  ["a password beside an API key", { credentials: { apiKey: "a2V5", password: "pass" } }, "PasswordUnused"],
  ["a line break at the password's end", { credentials: { username: "ops", password: "pass\n" } }, "LineBreakInPassword"],
])("%s is told", (_, choices: Choices, reason) => {
  expect(searchEndpoint(connection(choices)).notices.map((notice) => notice.reason)).toEqual([reason]);
});

test("an endpoint prints no credentials", () => {
  const printed = inspect(searchEndpoint(connection({ credentials: { username: "ops", password: "canary-1" } })), { depth: 9 });

  expect(printed).not.toContain("canary-1");
  expect(printed).not.toContain(Buffer.from("ops:canary-1").toString("base64"));
});

interface Choices {
  readonly scheme?: string;
  readonly host?: string;
  readonly port?: number | undefined;
  readonly path?: string;
  readonly query?: string;
  readonly tls?: Partial<TlsMaterial>;
  readonly credentials?: Readonly<Record<string, string>>;
}

function connection(choices: Choices): DatabaseConnection {
  const credentials = new Map(Object.entries(choices.credentials ?? {}).map(([name, value]) => [name, new Secret(value)]));
  const place = { host: "search.demo.svc", port: 9200, scheme: "https", ...choices };
  return { description: "https://search.demo.svc:9200", path: "", ...place, tls: { verify: true, ...choices.tls }, credentials };
}
