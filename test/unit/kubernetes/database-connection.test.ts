import { inspect } from "node:util";
import { stringify } from "yaml";
import { ParameterError } from "../../../runner/errors.ts";
import { databaseFromUrl, resolveDatabase } from "../../../runner/kubernetes/database-connection.ts";
import { openFileCluster } from "../../../runner/kubernetes/file-cluster.ts";
import { Secret } from "../../../runner/secret.ts";
import { everythingOf, failureOf, fixtureSecret, fixtures, makeManifests } from "./temporary-manifests.ts";

const service = { name: "redis", port: 6379, scheme: "redis" };

async function resolveFixture(name: string) {
  const cluster = await openFileCluster(fixtures);
  return resolveDatabase(cluster, await cluster.appBinding({ namespace: "shop", name }));
}

/** Resolves an AppBinding "shop/db" with this spec, beside Secrets with these values. */
async function resolveSpec(spec: object, secrets: Readonly<Record<string, Readonly<Record<string, string>>>> = {}) {
  const secretObjects = Object.entries(secrets).map(([name, data]) => ({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name, namespace: "shop" },
    data,
  }));
  const binding = { apiVersion: "appcatalog.appscode.com/v1alpha1", kind: "AppBinding", metadata: { name: "db", namespace: "shop" }, spec };
  await using files = await makeManifests({ "a.yaml": [binding, ...secretObjects].map((object) => stringify(object)).join("---\n") });
  const cluster = await files.open();
  return await resolveDatabase(cluster, await cluster.appBinding({ namespace: "shop", name: "db" }));
}

const base64 = (text: string) => Buffer.from(text).toString("base64");
const revealed = (credentials: ReadonlyMap<string, Secret>) =>
  Object.fromEntries([...credentials].map(([key, value]) => [key, value.reveal()]));

test("a Service is reached by its name within the cluster, with the Secret's credentials", async () => {
  const { credentials, ...connection } = await resolveFixture("orders");

  expect(connection).toEqual({
    description: "redis://orders-redis.shop.svc:6379",
    scheme: "redis",
    host: "orders-redis.shop.svc",
    port: 6379,
    path: "/",
    query: undefined,
    tls: { ca: undefined, clientCertificate: undefined, clientKey: undefined, serverName: undefined, verify: true },
  });
  expect(revealed(credentials)).toEqual({ username: "keeper", password: "canary-orders-password" });
});

test("a URL, an authority, a server name and a client certificate are taken over, and verified", async () => {
  const { tls, ...connection } = await resolveFixture("ledger");
  const files = await fixtureSecret("ledger-certificate");
  const pem = (key: string) => Buffer.from(files.get(key) ?? []).toString();

  expect(connection).toMatchObject({ scheme: "rediss", host: "ledger.example.com", port: 6380, path: "/", query: "name=ledger" });
  expect(connection.description).toBe("rediss://ledger.example.com:6380");
  expect(tls).toMatchObject({ ca: pem("ca.crt"), clientCertificate: pem("tls.crt"), serverName: "ledger.internal", verify: true });
  expect(tls.clientKey?.reveal()).toBe(pem("tls.key"));
});

test("transforms are applied in order, the Service's namespace counts, and verification ends only when asked", async () => {
  const connection = await resolveFixture("sessions");

  expect(connection.host).toBe("sessions-redis.caches.svc");
  expect(connection.tls.verify).toBe(false);
  expect(revealed(connection.credentials)).toEqual({ password: "canary-sessions-password", username: "sessions-user", database: "3" });
});

test("a Service wins over a URL", async () => {
  const connection = await resolveSpec({
    clientConfig: { url: "https://elsewhere.example.com:1", service: { ...service, path: "a/b", query: "c=d" } },
  });

  expect(connection).toMatchObject({ description: "redis://redis.shop.svc:6379", path: "/a/b", query: "c=d" });
});

test("without a Secret the access is anonymous", async () => {
  const connection = await resolveSpec({ clientConfig: { service } });

  expect(connection.credentials.size).toBe(0);
});

test("a client certificate of the parameters is looked up in the AppBinding's namespace, and its authority counts without a caBundle (R21)", async () => {
  const files = await fixtureSecret("ledger-certificate");
  const data = Object.fromEntries([...files].map(([key, bytes]) => [key, Buffer.from(bytes).toString("base64")]));

  const { tls } = await resolveSpec(
    { clientConfig: { service }, parameters: { clientCertSecret: { name: "client" } }, tlsSecret: { name: "absent" } },
    { client: data },
  );

  expect(tls.ca).toBe(Buffer.from(files.get("ca.crt") ?? []).toString());
  expect(tls.clientCertificate).toBeDefined();
});

test.each([
  ["neither service nor url", { clientConfig: {} }, {}, "needs service or url"],
  [
    "a user in its URL",
    { clientConfig: { url: "redis://canary@db:6379" } },
    {},
    "spec.clientConfig.url must not hold a user or a password",
  ],
  [
    "a password in its URL",
    { clientConfig: { url: "redis://:canary@db:6379" } },
    {},
    "spec.clientConfig.url must not hold a user or a password",
  ],
  ["a slash in its password", { clientConfig: { url: "redis://:can/canary@db:6379" } }, {}, "spec.clientConfig.url is not a usable URL"],
  ["a URL without scheme", { clientConfig: { url: "db:6379" } }, {}, "expected SCHEME://HOST:PORT"],
  [
    "a reference to another kind",
    { clientConfig: { service }, secret: { kind: "Vault", name: "x" } },
    {},
    "spec.secret refers to a kind other than Secret",
  ],
  [
    "a tlsSecret of another group",
    { clientConfig: { service }, tlsSecret: { apiGroup: "vault.example.com", name: "x" } },
    {},
    "spec.tlsSecret refers to a kind",
  ],
  ["a Secret that is not there", { clientConfig: { service }, secret: { name: "absent" } }, {}, 'Cannot find Secret "shop/absent"'],
  [
    "a caBundle that is not base64",
    { clientConfig: { service, caBundle: "canary!" } },
    {},
    "spec.clientConfig.caBundle: expected PEM certificates as base64",
  ],
  [
    "a caBundle that is no certificate",
    { clientConfig: { service, caBundle: base64("canary") } },
    {},
    "spec.clientConfig.caBundle is not usable",
  ],
  [
    "a tlsSecret without key",
    { clientConfig: { service }, tlsSecret: { name: "tls" } },
    { tls: { "tls.crt": base64("canary") } },
    'Secret "shop/tls": tls.key is missing',
  ],
  [
    "a tlsSecret without certificate",
    { clientConfig: { service }, tlsSecret: { name: "tls" } },
    { tls: {} },
    'Secret "shop/tls": tls.crt is missing',
  ],
  [
    "a damaged ca.crt",
    { clientConfig: { service }, tlsSecret: { name: "tls" } },
    { tls: { "ca.crt": base64("canary") } },
    'Secret "shop/tls": ca.crt is not usable',
  ],
  [
    "a credential that is no text",
    { clientConfig: { service }, secret: { name: "login" } },
    { login: { keystore: "/u3+7Q==" } },
    'credential "keystore" is not text in UTF-8',
  ],
  [
    "a transform without member",
    { clientConfig: { service }, secretTransforms: [{ renamekey: {} }] },
    {},
    "spec.secretTransforms[0]: expected exactly one of",
  ],
  [
    "a transform with two members",
    { clientConfig: { service }, secretTransforms: [{ removeKey: { key: "a" }, addKey: { key: "b", stringValue: "canary" } }] },
    {},
    "expected exactly one of",
  ],
  [
    "an addKey without value",
    { clientConfig: { service }, secretTransforms: [{ addKey: { key: "b" } }] },
    {},
    "spec.secretTransforms[0].addKey: expected value or stringValue",
  ],
  [
    "an addKey with a wrong value",
    { clientConfig: { service }, secretTransforms: [{ addKey: { key: "b", value: "canary!" } }] },
    {},
    "addKey.value: expected base64",
  ],
])("an AppBinding with %s is refused, and no value is shown", async (_, spec, secrets, message) => {
  const error = await failureOf(resolveSpec(spec, secrets));

  expect(error).toBeInstanceOf(ParameterError);
  expect(error.message).toContain(message);
  expect(error.message).toMatch(/"shop\//);
  expect(everythingOf(error)).not.toContain("canary");
});

test("a binary key can be removed, and a binary value be added as base64", async () => {
  const transforms = [{ removeKey: { key: "keystore" } }, { addKey: { key: "password", value: base64("p\u00e4ss") } }];

  const connection = await resolveSpec(
    { clientConfig: { service }, secret: { name: "login" }, secretTransforms: transforms },
    { login: { keystore: "/u3+7Q==" } },
  );

  expect(revealed(connection.credentials)).toEqual({ password: "p\u00e4ss" });
});

test("a connection that is printed shows no secret", async () => {
  for (const name of ["orders", "ledger", "sessions"]) {
    const connection = await resolveFixture(name);

    const shown = `${inspect(connection, { depth: Infinity, showHidden: true })} ${JSON.stringify(connection)} ${JSON.stringify([...connection.credentials])}`;
    expect(shown).not.toContain("canary");
    expect(shown).not.toContain("PRIVATE KEY");
  }
});

test("a URL from the command line gives address and user, the options give the password", () => {
  const password = new Secret("canary");

  const connection = databaseFromUrl("RediSS://k%40eeper@[::1]:6380/2", { password });

  expect(connection).toMatchObject({
    scheme: "rediss",
    host: "::1",
    port: 6380,
    path: "/2",
    description: "rediss://[::1]:6380",
    tls: { verify: true },
  });
  expect(revealed(connection.credentials)).toEqual({ username: "k@eeper", password: "canary" });
  expect(databaseFromUrl("redis://a@b:1", { username: "c" }).credentials.get("username")?.reveal()).toBe("c");
});

test.each([
  ["https://es.example.com", 443],
  ["http://es.example.com:80/", 80],
  ["https://es.example.com:9200", 9200],
  ["redis://db", undefined],
])("the port of %s is %p", (url, port) => {
  expect(databaseFromUrl(url).port).toBe(port);
});

test.each([
  "redis://user:canary@db:6379",
  "redis://:canary@db:6379",
  "redis://:canary@x@db:6379",
  "redis://:/canary@db:6379",
  "redis://user:12#canary@db:6379",
  "redis://user:12?canary@db:6379",
  "redis://user:12/canary@db:6379",
  "redis://%canary@db:6379",
  "redis:canary@db:6379",
  "user:canary@db:6379",
  "redis:// canary@db",
  "redis://db:canary",
  "canary",
  "",
])("%j as a URL is refused, showing nothing of it and saying where a password goes", async (url) => {
  const error = await failureOf(() => databaseFromUrl(url));

  expect(error).toBeInstanceOf(ParameterError);
  expect(error).toMatchObject({ hint: expect.stringMatching(/HOLDFAST_DATABASE_PASSWORD.*--database-password-file/) });
  expect(error.message).toContain("--url");
  expect(everythingOf(error).replaceAll(/at .*/g, "")).not.toContain("canary");
});

test("TLS files of the command line are judged too", async () => {
  const values = await fixtureSecret("ledger-certificate");
  const pem = (key: string) => Buffer.from(values.get(key) ?? []).toString();
  const [ca, clientCertificate, clientKey] = [pem("ca.crt"), pem("tls.crt"), new Secret(pem("tls.key"))];
  const url = "rediss://db:6380";

  expect(databaseFromUrl(url, { tls: { ca, clientCertificate, clientKey, verify: true } }).tls).toMatchObject({ ca, clientCertificate });
  expect(() => databaseFromUrl(url, { tls: { ca: "nonsense", verify: true } })).toThrow(/--tls-ca/);
  expect(() => databaseFromUrl(url, { tls: { clientCertificate, verify: true } })).toThrow(/--tls-cert and --tls-key/);
  expect(() => databaseFromUrl(url, { tls: { clientCertificate: ca, clientKey, verify: true } })).toThrow(/--tls-key/);
});
