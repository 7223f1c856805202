import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describeError, ParameterError } from "../../../runner/errors.ts";
import { type ApiPlace, findApi } from "../../../runner/kubernetes/api-place.ts";

const TOKEN = "canary-5f2c";
const cluster = { name: "c", cluster: { server: "https://api.example.com:6443" } };
const user = { name: "u", user: { token: TOKEN } };
const context = { name: "x", context: { cluster: "c", user: "u" } };
const complete = { clusters: [cluster], users: [user], contexts: [context], "current-context": "x" };

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "api-place-"));
});

afterAll(() => rm(directory, { recursive: true }));

test("without any hint of a cluster the error says every way to name one", async () => {
  const error = await failureOf({ environment: {} });

  expect(error.message).toMatch(/^No --manifests, and no cluster/);
  for (const way of ["--manifests", "--kubeconfig", "KUBECONFIG", "--master", "KUBERNETES_SERVICE_HOST"]) expect(error.hint).toContain(way);
});

test("the flag wins over KUBECONFIG, and KUBECONFIG over the pod", async () => {
  const [flag, variable] = [await kubeconfig({ server: "https://flag:1" }), await kubeconfig({ server: "https://variable:1" })];
  const pod = { KUBERNETES_SERVICE_HOST: "pod" };

  const byFlag = await findApi({ kubeconfig: flag, environment: { KUBECONFIG: variable, ...pod } });
  const byVariable = await findApi({ environment: { KUBECONFIG: variable, ...pod } });

  expect([byFlag.server.host, byVariable.server.host]).toEqual(["flag:1", "variable:1"]);
});

test("the first of several kubeconfigs that names a context decides", async () => {
  const part = await file(JSON.stringify({ contexts: [], clusters: [], users: [] }));
  const whole = await kubeconfig({ server: "https://whole:1" });
  const other = await file(JSON.stringify({ "current-context": "nothing" }));

  const found = await findApi({ environment: { KUBECONFIG: [part, "/nonexistent", whole, other].join(":") } });

  expect(found.server.host).toBe("whole:1");
  expect((await found.credentials()).headers).toEqual({ Authorization: `Bearer ${TOKEN}` });
});

test.each([
  ["is missing", () => "/nonexistent/kubeconfig", /Cannot read the kubeconfig of --kubeconfig, "\/nonexistent\/kubeconfig"/],
  ["is no YAML", () => file(`users: [{name: u, user: {token: ${TOKEN}`), /is no usable kubeconfig/],
  ["is no mapping", () => file(TOKEN), /(is no usable kubeconfig|names no current context)/],
  ["is empty", () => file(""), /(is no usable kubeconfig|names no current context)/],
  ["lacks a server", () => file(JSON.stringify({ ...complete, clusters: [{ name: "c", cluster: {} }] })), /clusters\[0\]\.cluster\.server/],
  ["has no current context", () => file(JSON.stringify({ ...complete, "current-context": undefined })), /names no current context/],
  ["names a context that is not there", () => file(JSON.stringify({ ...complete, contexts: [] })), /names no current context/],
  ["names a user that is not there", () => file(JSON.stringify({ ...complete, users: [] })), /names no current context/],
  ["sends tokens in clear", () => kubeconfig({ server: "http://api.example.com" }), /is http/],
])("a kubeconfig that %s is a parameter error that quotes nothing of it", async (_, path, message) => {
  const error = await failureOf({ kubeconfig: await path(), environment: {} });

  expect(error.message).toMatch(message);
  expect(error.hint).toBeDefined();
  expect(`${describeError(error)} ${error.hint} ${error.stack}`).not.toContain(TOKEN);
});

test.each(["http://api.example.com", "api.example.com:6443", "ftp://api", "https://api/?a=b", `https://user:${TOKEN}@api`])(
  "--master %s is refused and not quoted",
  async (master) => {
    const error = await failureOf({ master, environment: {} });

    expect(error.message).toContain("--master");
    expect(error.message).not.toContain(master);
  },
);

test.each(["https://api.example.com", "http://127.0.0.1:8001", "http://localhost:8001", "http://[::1]:8001"])(
  "--master %s alone is a cluster without credentials",
  async (master) => {
    const found = await findApi({ master, environment: {} });

    expect(found.server.origin).toBe(master);
    expect(await found.credentials()).toEqual({});
  },
);

test("a certificate that is not verified is told", async () => {
  const warnings: string[] = [];
  const path = await kubeconfig({ "insecure-skip-tls-verify": true });

  const found = await findApi({ kubeconfig: path, environment: {}, warn: (message) => warnings.push(message) });

  expect((await found.credentials()).rejectUnauthorized).toBe(false);
  expect(warnings).toEqual([expect.stringContaining("insecure-skip-tls-verify")]);
});

describe("in a pod", () => {
  test("address, token and authority come from where Kubernetes puts them", async () => {
    const serviceAccountDirectory = await pod({ token: `${TOKEN}\n`, ca: "PEM" });
    const environment = { KUBERNETES_SERVICE_HOST: "fd00::1", KUBERNETES_SERVICE_PORT: "6443" };

    const found = await findApi({ environment, serviceAccountDirectory });

    expect(found.server.origin).toBe("https://[fd00::1]:6443");
    expect(await found.credentials()).toEqual({ ca: "PEM", headers: { authorization: `Bearer ${TOKEN}` } });
  });

  test("--master replaces the address and keeps the service account", async () => {
    const serviceAccountDirectory = await pod({ token: TOKEN, ca: "PEM" });

    const found = await findApi({ environment: { KUBERNETES_SERVICE_HOST: "10.0.0.1" }, master: "https://api:1", serviceAccountDirectory });

    expect(found.server.host).toBe("api:1");
    expect((await found.credentials()).headers).toEqual({ authorization: `Bearer ${TOKEN}` });
  });

  test("a pod without a token is told what it lacks, before anything begins", async () => {
    const serviceAccountDirectory = await pod({ token: "", ca: "PEM" });
    const environment = { KUBERNETES_SERVICE_HOST: "10.0.0.1" };

    const [empty, missing] = [
      await failureOf({ environment, serviceAccountDirectory }),
      await failureOf({ environment, serviceAccountDirectory: "/nonexistent" }),
    ];

    expect(empty.message).toContain("token");
    expect(missing.hint).toContain("automountServiceAccountToken");
  });
});

async function failureOf(place: ApiPlace): Promise<ParameterError> {
  const outcome = await findApi(place).catch((error: unknown) => error);
  if (!(outcome instanceof ParameterError)) throw new Error(`Expected a ParameterError, not ${outcome}`);
  return outcome;
}

function kubeconfig(fields: Readonly<Record<string, unknown>>): Promise<string> {
  return file(JSON.stringify({ ...complete, clusters: [{ name: "c", cluster: { ...cluster.cluster, ...fields } }] }));
}

async function file(text: string): Promise<string> {
  const path = join(await mkdtemp(join(directory, "file-")), "kubeconfig");
  await writeFile(path, text);
  return path;
}

async function pod({ token, ca }: { token: string; ca: string }): Promise<string> {
  const path = await mkdtemp(join(directory, "pod-"));
  await writeFile(join(path, "token"), token);
  await writeFile(join(path, "ca.crt"), ca);
  return path;
}
