import { inspect } from "node:util";
import { redisEndpoint } from "../../../functions/redis/endpoint.ts";
import { ParameterError } from "../../../runner/errors.ts";
import { type DatabaseConnection, Secret, type TlsMaterial } from "../../../runner/function.ts";

test.each([
  ["redis", {}, false],
  ["tcp", {}, false],
  ["rediss", {}, true],
  ["https", {}, true],
  ["redis", { ca: "PEM" }, true],
  ["redis", { serverName: "redis.example" }, false],
])("scheme %s with %j: TLS is %s", (scheme, tls, isOn) => {
  expect(redisEndpoint(connection({ scheme, tls })).tls !== undefined).toBe(isOn);
});

test("TLS is verified, against the name of the host, unless the connection says otherwise", () => {
  expect(redisEndpoint(connection({ scheme: "rediss" })).tls).toMatchObject({ rejectUnauthorized: true, servername: "redis.demo.svc" });
  expect(redisEndpoint(connection({ scheme: "rediss", tls: { serverName: "other" } })).tls).toMatchObject({ servername: "other" });
  expect(redisEndpoint(connection({ scheme: "rediss", tls: { verify: false } })).tls).toMatchObject({ rejectUnauthorized: false });
});

test("an IP address is checked but not sent as a server name", () => {
  const { tls } = redisEndpoint(connection({ scheme: "rediss", host: "10.0.0.7" }));

  expect(tls).not.toHaveProperty("servername");
  const check = (address: string) =>
    tls?.checkServerIdentity?.("ignored", { subject: { CN: "x" }, subjectaltname: `IP Address:${address}` } as never);
  expect(check("10.0.0.7")).toBeUndefined();
  expect(check("10.0.0.8")).toHaveProperty("code", "ERR_TLS_CERT_ALTNAME_INVALID");
});

test("an empty password means that no AUTH is sent, and a user name without one is told", () => {
  const endpoint = redisEndpoint(connection({ credentials: { username: "ops", password: "" } }));

  expect(endpoint.password).toBeUndefined();
  expect(endpoint.notices.map(({ reason }) => reason)).toEqual(["UsernameUnused"]);
});

test("a client certificate that would not be used is told", () => {
  const endpoint = redisEndpoint(connection({ tls: { clientCertificate: "PEM", clientKey: new Secret("PEM") } }));

  expect(endpoint.notices.map(({ reason }) => reason)).toEqual(["ClientCertificateUnused"]);
});

test("a server name that nothing is checked against is told", () => {
  const endpoint = redisEndpoint(connection({ tls: { serverName: "redis.example" } }));

  expect(endpoint.notices.map(({ reason }) => reason)).toEqual(["ServerNameUnused"]);
});

test.each([
  ["no port", { port: undefined }],
  ["no host", { host: "" }],
  ["a database in the path", { path: "/3" }],
  ["a query", { query: "tls=true" }],
  ["a client certificate without its key", { scheme: "rediss", tls: { clientCertificate: "PEM" } }],
])("%s is a wrong parameter", (_, choices) => {
  expect(() => redisEndpoint(connection(choices))).toThrow(ParameterError);
});

test("an endpoint prints no password", () => {
  expect(inspect(redisEndpoint(connection({ credentials: { password: "canary-1" } })), { depth: 9 })).not.toContain("canary-1");
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
  const place = { host: "redis.demo.svc", port: 6379, scheme: "redis", ...choices };
  return { description: "redis://redis.demo.svc:6379", path: "", ...place, tls: { verify: true, ...choices.tls }, credentials };
}
