import { readFileSync } from "node:fs";
import { type RedisServer, startRedis } from "../servers/redis-server.ts";
import { HURRIED } from "./hurried.ts";
import { makeStashInstallation, type StashInstallation, type StashOutcome } from "./stash-installation.ts";

let server: RedisServer;
let other: RedisServer;
let stash: StashInstallation;

// tls-auth-clients yes is the default of Redis
beforeAll(async () => {
  server = await startRedis({ tls: true });
  other = await startRedis({ tls: true });
  await server.cli("set", "k", "v");
});
afterAll(async () => {
  await server.stop();
  await other.stop();
});
beforeEach(() => {
  stash = makeStashInstallation();
});
afterEach(() => stash[Symbol.dispose]());

const pem = (of: RedisServer, name: "ca" | "clientCert" | "clientKey") => readFileSync(of.certificates?.[name] as string, "utf8");
const base64 = (text: string) => Buffer.from(text).toString("base64");
const service = (scheme: string, more = {}) => ({ clientConfig: { url: `${scheme}://127.0.0.1:${server.tlsPort}`, ...more } });
const clientSecret = (namespace: string) =>
  stash.secret("client", namespace, { "tls.crt": pem(server, "clientCert"), "tls.key": pem(server, "clientKey") });
const hostOf = ({ output }: StashOutcome) => output?.targetStatus.stats[0];

test.each([
  ["spec.tlsSecret", { tlsSecret: { name: "client" } }],
  ["spec.parameters.clientCertSecret", { parameters: { clientCertSecret: { name: "client" } } }],
])("a server that demands client certificates is backed up and restored by %s, and its own is verified (S3, S4, S6)", async (_, how) => {
  clientSecret("demo");
  stash.appBinding("db", { ...service("rediss", { caBundle: base64(pem(server, "ca")) }), ...how });

  const backup = await stash.backup("db");
  const restore = await stash.restore("db", { args: "--policy replace" });

  expect([hostOf(backup)?.phase, hostOf(restore)?.phase]).toEqual(["Succeeded", "Succeeded"]);
  expect([backup.report?.warnings, restore.report?.warnings]).toEqual([[], []]);
});

test("a certificate of another authority, or for another name, is refused: no password reaches such a server (S1, S3)", async () => {
  clientSecret("demo");
  const tlsSecret = { name: "client" };
  const ca = base64(pem(server, "ca"));
  stash.appBinding("stranger", { ...service("rediss", { caBundle: base64(pem(other, "ca")) }), tlsSecret }, { password: "p" });
  stash.appBinding("unknown", { ...service("rediss"), tlsSecret: { name: "client" } }, { password: "p" });
  stash.appBinding("renamed", { ...service("rediss", { caBundle: ca, serverName: "elsewhere" }), tlsSecret }, { password: "p" });
  stash.appBinding("trusting", { ...service("rediss", { insecureSkipTLSVerify: true }), tlsSecret });

  for (const name of ["stranger", "unknown", "renamed"]) {
    const outcome = await stash.backup(name);

    expect(outcome).toMatchObject({ exitCode: 0, report: { code: 21, reason: "TlsVerificationFailed" } });
    expect(hostOf(outcome)).toMatchObject({ phase: "Failed" });
  }
  const trusting = await stash.backup("trusting");

  expect(hostOf(trusting)).toMatchObject({ phase: "Succeeded" });
  expect(trusting.report?.warnings).toEqual([expect.objectContaining({ reason: expect.stringMatching(/NotVerified/) })]);
});

test("rediss speaks TLS without a caBundle too (S6)", async () => {
  const plain = { clientConfig: { url: `rediss://127.0.0.1:${server.port}` } };
  stash.appBinding("plain", plain);

  const outcome = await stash.backup("plain", { waitTimeout: "0" }, { env: HURRIED });

  expect(hostOf(outcome)).toMatchObject({ phase: "Failed", error: expect.stringMatching(/TLS/i) });
});

test("the client certificate's Secret is that of the AppBinding's namespace, not of the session's (R21)", async () => {
  clientSecret("demo");
  stash.secret("client", "jobs", { "tls.crt": "not a certificate", "tls.key": "not a key" });
  stash.appBinding("db", {
    ...service("rediss", { caBundle: base64(pem(server, "ca")) }),
    parameters: { clientCertSecret: { name: "client" } },
  });

  const outcome = await stash.backup("db", { namespace: "jobs", targetNamespace: "demo" });
  const inSession = await stash.backup("db", { namespace: "demo", targetNamespace: "" });

  expect([hostOf(outcome)?.phase, hostOf(inSession)?.phase]).toEqual(["Succeeded", "Succeeded"]);
  expect(outcome.output?.targetStatus.ref).toMatchObject({ name: "db", namespace: "demo" });
});

test("an ACL user is logged in by name, from the Secret or from the arguments (S7)", async () => {
  await server.cli("acl", "setuser", "app", "on", ">secret", "~*", "+@all");
  await server.cli("acl", "setuser", "default", "resetpass", ">closed");
  stash.appBinding("db", { clientConfig: { url: `redis://127.0.0.1:${server.port}` } }, { username: "app", password: "secret" });
  stash.appBinding("nameless", { clientConfig: { url: `redis://127.0.0.1:${server.port}` } }, { password: "secret" });

  const outcomes = [
    await stash.backup("db"),
    await stash.restore("db", { args: "--policy replace" }),
    await stash.backup("nameless", { args: "-user app" }),
    await stash.backup("nameless"),
  ];
  await server.cli("-a", "closed", "--no-auth-warning", "acl", "setuser", "default", "nopass");

  expect(outcomes.map((outcome) => hostOf(outcome)?.phase)).toEqual(["Succeeded", "Succeeded", "Succeeded", "Failed"]);
});
