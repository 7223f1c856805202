// A server behind TLS, as AppBindings describe it.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkSource } from "../../../functions/elasticsearch/check-source.ts";
import { makeCertificates } from "../../servers/certificates.ts";
import type { SearchServer } from "../../servers/search-server.ts";
import { useOpenSearch } from "../../servers/search-server-pool.ts";
import { startTlsFront, type TlsFront } from "../../servers/tls-front.ts";
import { base64, connectionOf, look } from "./link-context.ts";

let server: SearchServer;
let folder: string;
let front: TlsFront;
let strict: TlsFront;
let expired: TlsFront;
let pem: Readonly<Record<"ca" | "cert" | "key" | "otherCa" | "expiredCa", string>>;

beforeAll(async () => {
  server = await useOpenSearch("2.19.1");
  folder = await mkdtemp(join(tmpdir(), "holdfast-link-"));
  const make = async (name: string, options = {}) => makeCertificates(await mkdtemp(join(folder, name)), options);
  const [certificates, others, old] = [await make("good-"), await make("other-"), await make("old-", { serverDays: -1 })];
  front = await startTlsFront(server.port, { certificates });
  strict = await startTlsFront(server.port, { certificates, wantsClientCertificate: true });
  expired = await startTlsFront(server.port, { certificates: old });
  const read = (path: string) => readFile(path, "utf8");
  pem = {
    ca: await read(certificates.ca),
    cert: await read(certificates.clientCert),
    key: await read(certificates.clientKey),
    otherCa: await read(others.ca),
    expiredCa: await read(old.ca),
  };
});
afterAll(async () => {
  for (const each of [front, strict, expired, server]) await each[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const at = ({ port }: TlsFront, clientConfig: object = {}) => ({ url: `https://127.0.0.1:${port}`, ...clientConfig });

test("S2: the caBundle of an AppBinding is what the server's certificate is verified with", async () => {
  const database = await connectionOf({ clientConfig: at(front, { caBundle: base64(pem.ca) }) });

  const { outcome, warned } = await look(checkSource, database);

  expect(outcome).toMatch(
    /^opensearch 2\.19\.1 at https:\/\/127\.0\.0\.1:\d+, cluster ".+" with one data node, takes anonymous access, over TLS$/,
  );
  expect(warned).toEqual([]);
});

test.each<[string, () => object]>([
  ["of another authority", () => ({ caBundle: base64(pem.otherCa) })],
  ["of no authority that is given", () => ({})],
])("S1: a certificate %s is refused before anything is sent", async (_, clientConfig) => {
  const before = front.usedConnections;
  const database = await connectionOf(
    { clientConfig: at(front, clientConfig()), secret: { name: "auth" } },
    { auth: { username: "ops", password: "canary-1" } },
  );

  const { outcome } = await look(checkSource, database);

  expect(outcome).toMatchObject({
    reason: "TlsVerificationFailed",
    exitCode: 21,
    message: expect.stringContaining("is not signed by an authority that is trusted here"),
    hint: expect.stringContaining("caBundle"),
  });
  expect(front.usedConnections).toBe(before);
});

test("S1: a certificate that has expired is refused", async () => {
  const database = await connectionOf({ clientConfig: at(expired, { caBundle: base64(pem.expiredCa) }) });

  const { outcome } = await look(checkSource, database);

  expect(outcome).toMatchObject({ reason: "TlsVerificationFailed", message: expect.stringContaining("has expired") });
  expect(expired.usedConnections).toBe(0);
});

test("S6: serverName is the name that the certificate has to have", async () => {
  const caBundle = base64(pem.ca);
  const right = await connectionOf({ clientConfig: at(front, { caBundle, serverName: "localhost" }) });
  const wrong = await connectionOf({ clientConfig: at(front, { caBundle, serverName: "other.example" }) });

  expect((await look(checkSource, right)).outcome).toMatch(/over TLS$/);
  expect((await look(checkSource, wrong)).outcome).toMatchObject({
    reason: "TlsVerificationFailed",
    message: expect.stringContaining("is for other names"),
    hint: expect.stringContaining("serverName"),
  });
});

test("S6: insecureSkipTLSVerify ends verification, and nothing else does", async () => {
  const database = await connectionOf({ clientConfig: at(expired, { insecureSkipTLSVerify: true, serverName: "other.example" }) });

  expect((await look(checkSource, database)).outcome).toMatch(/over TLS$/);
});

test.each([
  ["tlsSecret", { tlsSecret: { name: "client" } }],
  [
    "parameters.clientCertSecret",
    { parameters: { apiVersion: "config.kubedb.com/v1alpha1", kind: "ElasticsearchConfiguration", clientCertSecret: { name: "client" } } },
  ],
])("S6: the client certificate of %s is shown to a server that demands one", async (_, parts) => {
  const secrets = { client: { "tls.crt": pem.cert, "tls.key": pem.key, "ca.crt": pem.ca } };
  const database = await connectionOf({ clientConfig: at(strict), ...parts }, secrets);

  expect((await look(checkSource, database)).outcome).toMatch(/over TLS$/);
});

test("a server that demands a client certificate and gets none is told so", async () => {
  const database = await connectionOf({ clientConfig: at(strict, { caBundle: base64(pem.ca) }) });

  expect((await look(checkSource, database)).outcome).toMatchObject({ exitCode: 20, hint: expect.stringContaining("client certificate") });
});

test("TLS spoken to a port in clear, and clear text to a port with TLS, are told apart", async () => {
  const toClear = await connectionOf({ clientConfig: { url: `https://127.0.0.1:${server.port}` } });
  const toTls = await connectionOf({ clientConfig: { url: `http://127.0.0.1:${front.port}` } });

  expect((await look(checkSource, toClear)).outcome).toMatchObject({
    reason: "TlsRefused",
    message: expect.stringContaining("does not speak TLS"),
  });
  expect((await look(checkSource, toTls)).outcome).toMatchObject({ exitCode: 20, hint: expect.stringContaining("https") });
});
