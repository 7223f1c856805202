import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import type { Finding } from "../../runner/checkup.ts";
import { runDoctor } from "../../runner/doctor.ts";
import { doctorParameters, doctorRules } from "../../runner/doctor-parameters.ts";
import { ClusterRefusedError, ClusterUnavailableError, DatabaseUnavailableError } from "../../runner/errors.ts";
import type { BackupFunction, CheckContext, RestoreFunction } from "../../runner/function.ts";
import type { Cluster, ClusterAction } from "../../runner/kubernetes/cluster.ts";
import { openFileCluster } from "../../runner/kubernetes/file-cluster.ts";
import { parseParameters } from "../../runner/parameters.ts";
import { Secret } from "../../runner/secret.ts";
import { openOrCreateRepository } from "../../runner/snapshot/repository.ts";
import { DirectoryStore } from "../../runner/storage/directory-store.ts";

const passphrase = "a long passphrase";
let folder: string;
let store: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "holdfast-doctor-"));
  store = join(folder, "store");
  mkdirSync(store);
  writeFileSync(
    join(folder, "objects.json"),
    objects()
      .map((each) => JSON.stringify(each))
      .join("\n---\n"),
  );
});
afterEach(() => rmSync(folder, { recursive: true }));

function objects() {
  const metadata = (name: string, namespace = "shop") => ({ namespace, name });
  const invoker = { apiGroup: "stash.appscode.com", kind: "BackupConfiguration", name: "nightly" };
  return [
    {
      ...{ apiVersion: "appcatalog.appscode.com/v1alpha1", kind: "AppBinding", metadata: metadata("orders") },
      spec: { clientConfig: { url: "sample://db:1" }, secret: { name: "orders-login" } },
    },
    { apiVersion: "v1", kind: "Secret", metadata: metadata("orders-login"), stringData: { username: "keeper", password: "hush" } },
    {
      ...{ apiVersion: "stash.appscode.com/v1alpha1", kind: "Repository", metadata: metadata("cellar", "vault") },
      spec: {
        backend: { storageSecretName: "cellar-key", local: { mountPath: store } },
        usagePolicy: { allowedNamespaces: { from: "Selector", selector: { matchLabels: { may: "use" } } } },
      },
    },
    { apiVersion: "v1", kind: "Secret", metadata: metadata("cellar-key", "vault"), stringData: { RESTIC_PASSWORD: passphrase } },
    { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop", labels: { may: "use" } } },
    { apiVersion: "v1", kind: "Namespace", metadata: { name: "yard" } },
    { apiVersion: "stash.appscode.com/v1beta1", kind: "BackupSession", metadata: metadata("nightly-1"), spec: { invoker } },
    {
      ...{ apiVersion: "stash.appscode.com/v1beta1", kind: "BackupConfiguration", metadata: metadata("nightly") },
      spec: { retentionPolicy: { name: "keep", keepLast: 5, prune: true } },
    },
  ];
}

const named = { namespace: "shop", appbinding: "orders", repository: "cellar", "repository-namespace": "vault" };
const withSession = { ...named, backupsession: "nightly-1" };

interface Arrangement {
  readonly denied?: (action: ClusterAction) => boolean;
  readonly cluster?: Partial<Cluster>;
  readonly check?: (context: CheckContext) => Promise<string>;
}

/** A cluster of files that answers questions about rights as an API server does. */
async function openCluster({ denied = () => false, cluster = {} }: Arrangement): Promise<Cluster> {
  const files = await openFileCluster(join(folder, "objects.json"));
  const own: Partial<Cluster> = { mayI: async (action) => !denied(action), ...cluster };
  return new Proxy(files, {
    get: (target, name: keyof Cluster) => own[name] ?? target[name]?.bind(target as never),
  });
}

async function examine(flags: Record<string, string>, arrangement: Arrangement = {}) {
  const printed: string[] = [];
  const { signal } = new AbortController();
  const ignore = () => undefined;
  const check = arrangement.check ?? (async () => "sample 1.0 takes the user");
  const functions = [
    { kind: "backup", name: "sample-backup", engine: "sample", summary: "", parameters: {}, run: never, check } satisfies BackupFunction,
    { kind: "restore", name: "sample-restore", engine: "sample", summary: "", parameters: {}, run: never, check } satisfies RestoreFunction,
  ];
  const parts = {
    ...{ version: "0.0.0", signal, functions, warn: ignore, progress: ignore },
    log: { debug: ignore, info: ignore, warn: ignore, error: ignore },
    redact: (text: string) => text,
    sources: {
      ...{ remember: ignore, signal, environment: { RESTIC_PASSWORD: passphrase } },
      cluster: () => openCluster(arrangement),
    },
    print: async (text: string) => void printed.push(text),
  };
  const input = { flags, environment: {} };
  const parameters = parseParameters(doctorParameters, input, (values) => doctorRules(values, functions));
  const outcome = await runDoctor(parameters, parts).catch((error: unknown) => error);
  return { outcome, printed: printed.join("") };
}

async function findings(flags: Record<string, string>, arrangement: Arrangement = {}) {
  const { outcome, printed } = await examine({ ...flags, json: "true" }, arrangement);
  const result = JSON.parse(printed) as { findings: Finding[]; roles: unknown[] };
  const bad = result.findings.filter(({ status }) => status !== "ok");
  return { ...result, outcome, bad, checks: result.findings.map(({ check }) => check) };
}

function never(): Promise<never> {
  return Promise.reject(new Error("It ran"));
}

test("when everything is there, each check is ok and nothing was written", async () => {
  const { outcome, bad, checks, roles } = await findings(withSession);

  expect(bad).toEqual([]);
  expect(outcome).toMatchObject({ message: "Nothing is missing", counts: { checks: checks.length } });
  expect(checks).toEqual([
    "Kubernetes API",
    'AppBinding "shop/orders"',
    'Repository "vault/cellar"',
    'BackupSession "shop/nightly-1"',
    'BackupConfiguration "shop/nightly"',
    "Usage policy",
    expect.stringContaining("Right to get appbindings"),
    expect.stringContaining('Right to get secrets "orders-login" in namespace "shop"'),
    expect.stringContaining("Right to get repositories"),
    expect.stringContaining('Right to get secrets "cellar-key" in namespace "vault"'),
    expect.stringContaining('Right to get namespaces "shop"'),
    expect.stringContaining("Right to get backupsessions"),
    expect.stringContaining("Right to get backupconfigurations"),
    expect.stringContaining("Right to update backupsessions/status"),
    expect.stringContaining("Right to update repositories/status"),
    expect.stringContaining('Right to create events in namespace "shop"'),
    "Connection and credentials of the database",
    "Database",
    "Storage Secret",
    "Store and repository",
  ]);
  expect(roles).toEqual([]);
  expect(readdirSync(store)).toEqual([]);
  expect(readdirSync(folder).sort()).toEqual(["objects.json", "store"]);
});

test("a person reads one line for each finding, with remedies below, and no secret", async () => {
  const { printed } = await examine(withSession, { denied: ({ resource }) => resource === "secrets" });

  expect(printed).toMatch(/^ok {7}Kubernetes API: answers$/m);
  expect(printed).toMatch(/^missing {2}Right to get secrets "orders-login" in namespace "shop": Not allowed/m);
  expect(printed).toMatch(/^ {9}remedy: The Roles below/m);
  expect(printed).not.toMatch(/hush|a long passphrase/);
});

test("a right that is missing is named with verb, resource, namespace and name, with the Role that grants it, and exit code 41", async () => {
  const denied = ({ verb, resource }: ClusterAction) => verb === "update" && resource === "backupsessions/status";

  const { outcome, bad, roles } = await findings(withSession, { denied });

  expect(bad.map(({ check }) => check)).toEqual([
    'Right to update backupsessions/status (stash.appscode.com) "nightly-1" in namespace "shop"',
  ]);
  expect(outcome).toBeInstanceOf(ClusterRefusedError);
  expect(outcome).toMatchObject({
    exitCode: 41,
    facts: { action: { verb: "update", resource: "backupsessions/status", name: "nightly-1" } },
  });
  expect(roles).toContainEqual(
    expect.objectContaining({
      kind: "Role",
      rules: expect.arrayContaining([
        {
          ...{ apiGroups: ["stash.appscode.com"], resources: ["backupsessions/status"] },
          ...{ resourceNames: ["nightly-1"], verbs: ["update"] },
        },
      ]),
    }),
  );
});

test("everything is looked at although the first check fails, and the exit code is the first one's", async () => {
  const check = () => Promise.reject(new DatabaseUnavailableError("The database is away"));
  const appBinding = () => Promise.reject(new ClusterRefusedError("Not allowed to get appbindings"));

  const broken = await findings({ ...withSession, "repository-namespace": "nowhere" }, { check });
  const blind = await findings(withSession, { cluster: { appBinding } });

  expect(broken.outcome).toMatchObject({ exitCode: 2, reason: "ObjectNotFound" });
  expect(broken.bad.map(({ check: name, status }) => `${status} ${name}`)).toEqual([
    'missing Repository "nowhere/cellar"',
    'unknown Rights on the Secret of Repository "nowhere/cellar"',
    "missing Database",
    "unknown Storage Secret and store",
  ]);
  expect(blind.outcome).toMatchObject({ exitCode: 41 });
  expect(blind.bad.map(({ check: name, status }) => `${status} ${name}`)).toEqual([
    'missing AppBinding "shop/orders"',
    'unknown Rights on the Secrets of AppBinding "shop/orders"',
    "unknown Connection and credentials of the database",
    "unknown Database",
  ]);
});

test("an API that does not answer leaves objects and rights unknown, and does not pass for one in which they are missing", async () => {
  const mayI = () => Promise.reject(new ClusterUnavailableError("No answer"));

  const { outcome, bad } = await findings(withSession, { cluster: { mayI } });

  expect(outcome).toMatchObject({ exitCode: 40 });
  expect(new Set(bad.map(({ status }) => status))).toEqual(new Set(["unknown"]));
});

test("a namespace that the Repository does not admit is told, and its store is left alone", async () => {
  const { outcome, bad } = await findings({ ...named, namespace: "yard", "appbinding-namespace": "shop" });

  expect(outcome).toMatchObject({ exitCode: 2, reason: "RepositoryNotAllowed" });
  expect(bad.map(({ check }) => check)).toEqual(["Usage policy", "Storage Secret and store"]);
});

test("a wrong passphrase is told", async () => {
  await openOrCreateRepository(new DirectoryStore(store), { passphrase: new Secret("another one"), warn: () => undefined });

  const { outcome, bad } = await findings(named);

  expect(outcome).toMatchObject({ exitCode: 12 });
  expect(bad.map(({ check }) => check)).toEqual(["Store and repository"]);
});

test("a repository that opens is said to, and what it lost is told and not put back", async () => {
  await openOrCreateRepository(new DirectoryStore(store), { passphrase: new Secret(passphrase), warn: () => undefined });
  const sound = await findings(named);
  rmSync(join(store, "holdfast/repository.json"));

  const damaged = await findings(named);

  expect(sound.findings.at(-1)).toMatchObject({ status: "ok", detail: expect.stringContaining("the passphrase opens the repository") });
  expect(damaged.outcome).toMatchObject({ exitCode: 3, reason: "RepositoryDamaged" });
  expect(existsSync(join(store, "holdfast/repository.json"))).toBe(false);
});

test("an empty store will do for a backup and not for a restore", async () => {
  const backup = await findings(named);
  const restore = await findings({ ...named, function: "sample-restore" });

  expect(backup.findings.at(-1)?.detail).toContain("the first backup makes the repository");
  expect(restore.outcome).toMatchObject({ exitCode: 10 });
});

test("with flags alone no cluster is asked", async () => {
  const cluster = { mayI: () => Promise.reject(new Error("A cluster was asked")) };

  const { outcome, checks } = await findings({ url: "sample://db:1", store }, { cluster });

  expect(outcome).toMatchObject({ message: "Nothing is missing" });
  expect(checks).toEqual(["Connection and credentials of the database", "Database", "Place of the backups", "Store and repository"]);
});

test("what a function notes about the database does not fail the look", async () => {
  const check = async ({ warn }: CheckContext) => {
    warn("Odd", "something is odd");
    return "fine";
  };

  const { outcome, printed } = await examine(named, { check });

  expect(outcome).toMatchObject({ message: "Nothing is missing" });
  expect(printed).toMatch(/^ok {7}Database: fine\n {9}note: something is odd$/m);
});

test("a gateway that cannot be reached is told, and its password is not", async () => {
  const { outcome, printed } = await examine({ ...named, "pushgateway-url": "http://user:hush@127.0.0.1:9" });

  expect(outcome).toMatchObject({ exitCode: 2, reason: "PushgatewayNotReady" });
  expect(printed).toMatch(/^missing {2}Pushgateway: Cannot reach/m);
  expect(printed).not.toContain("hush");
});

test("a page that answers everything is no gateway", async () => {
  const server = createServer((_, response) => void response.end("<html>Welcome</html>"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  await using _server = { [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())) };

  const { outcome, printed } = await examine({ ...named, "pushgateway-url": `http://127.0.0.1:${(server.address() as AddressInfo).port}` });

  expect(outcome).toMatchObject({ exitCode: 2, reason: "PushgatewayNotReady" });
  expect(printed).toMatch(/^missing {2}Pushgateway: Cannot reach .*no Pushgateway$/m);
});

test("--print-role prints the Roles for these objects, bound to the ServiceAccount, and looks at nothing", async () => {
  const { outcome, printed } = await examine({ ...withSession, "print-role": "true", "service-account": "keeper" }, { check: never });

  const documents = parseAllDocuments(printed).map((each) => each.toJS());

  expect(outcome).toMatchObject({ counts: { manifests: 4 } });
  expect(documents.map(({ kind, metadata }) => `${kind} ${metadata.namespace}/${metadata.name}`)).toEqual([
    "Role shop/holdfast-backup-orders",
    "RoleBinding shop/holdfast-backup-orders",
    "Role vault/holdfast-backup-orders",
    "RoleBinding vault/holdfast-backup-orders",
  ]);
  expect(documents[1].subjects).toEqual([{ kind: "ServiceAccount", namespace: "shop", name: "keeper" }]);
});

test("--print-role for every session leaves sessions and their invokers without names, and Secrets never", async () => {
  const { printed } = await examine({ ...named, backupsession: "*", "print-role": "true" });

  const [role] = parseAllDocuments(printed).map((each) => each.toJS());
  const unnamed = role.rules.filter((rule: { resourceNames?: unknown }) => rule.resourceNames === undefined);

  expect(unnamed.flatMap(({ resources }: { resources: string[] }) => resources)).toEqual([
    "backupsessions",
    "backupconfigurations",
    "backupbatches",
    "backupsessions/status",
    "events",
  ]);
});

test("two sessions, and a function that there is not, are refused", async () => {
  const flags = { ...named, backupsession: "a", restoresession: "b", function: "sample-copy" };

  await expect(examine(flags)).rejects.toThrow(/--backupsession and --restoresession.*\n.*--function is not known/);
});
