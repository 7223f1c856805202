import { join } from "node:path";
import { esBackupParameters, esRestoreParameters } from "../../../functions/elasticsearch/parameters.ts";
import { openFileCluster } from "../../../runner/kubernetes/file-cluster.ts";
import { resolveJob } from "../../../runner/kubernetes/resolve-job.ts";
import type { Container } from "../../../runner/kubernetes/resolve-objects.ts";
import type { RunRequest } from "../../../runner/kubernetes/resolve-request.ts";
import { type Parameter, type ParameterTable, parseParameters } from "../../../runner/parameters.ts";
import { backupParameters, restoreParameters } from "../../../runner/runner-parameters.ts";
import { backup, repository, restore } from "../kubernetes/resolve-parts.ts";

const folder = join(import.meta.dirname, "../../../functions/elasticsearch");
const image = "registry.example/holdfast:1";

async function containerOf(request: RunRequest, params: Readonly<Record<string, string>> = {}, options: { image?: string } = { image }) {
  const name = `holdfast-es-${request.work.direction}`;
  const task = await (await openFileCluster(join(folder, "task.yaml"))).task(name);
  const fn = await (await openFileCluster(join(folder, "function.yaml"))).stashFunction(name);
  const settings = { ...options, pushgatewayUrl: "http://push:9091" };
  const { job } = resolveJob(request, { task, params, functions: new Map([[name, fn]]), repository: repository(), settings });
  return job.spec.template.spec.containers[0] as Container;
}

const tables: Readonly<Record<string, ParameterTable>> = {
  "es-backup": { ...backupParameters, ...esBackupParameters },
  "es-restore": { ...restoreParameters, ...esRestoreParameters },
};

const environmentOf = ({ env = [] }: Container) => Object.fromEntries(env.map(({ name, value }) => [name, String(value)]));

function parametersOf(container: Container) {
  const environment = environmentOf(container);
  const table = tables[environment.HOLDFAST_FUNCTION ?? ""] as ParameterTable;
  return { table, values: parseParameters(table, { flags: {}, environment }) };
}

test("our own backup Task becomes one container that is told all it needs by environment", async () => {
  const container = await containerOf(backup({ target: { ref: { kind: "AppBinding", name: "carts" }, alias: "eu" } }));

  expect(container).toMatchObject({ name: "holdfast-es-backup-0", image });
  expect(container.args).toBeUndefined();
  expect(parametersOf(container).values).toMatchObject({
    namespace: "shop",
    session: "nightly-1",
    repository: "vault",
    repositoryNamespace: "shop",
    appbinding: "carts",
    appbindingNamespace: "shop",
    host: "eu",
    pushgateway: "http://push:9091",
    waitTimeout: 300_000,
  });
});

test("our own restore Task is told the snapshot and the host it comes from", async () => {
  const rules = [{ sourceHost: "eu", snapshots: ["4bc21d6f"] }];

  const container = await containerOf(restore({ target: { ref: { kind: "AppBinding", name: "carts" }, rules } }));

  expect(parametersOf(container).values).toMatchObject({
    session: "back",
    snapshot: "4bc21d6f",
    sourceHost: "eu",
    host: "host-0",
    policy: "fail",
  });
});

test("parameters of a Task reach the function's own parameters", async () => {
  const saved = await containerOf(backup(), {
    ...{ waitTimeout: "60", verifyAfter: "true", match: "logs-*,-logs-debug", matchRegex: "^(?![.]).+$", skipHidden: "true", full: "true" },
    matchNamesOnly: "true",
    ...{ openClosed: "true", skipSourceless: "true", esCursor: "scroll", esConcurrency: "3", esKeepAlive: "10m", esIdleTimeout: "3m" },
    ...{ timeout: "1h", logLevel: "debug", integritySample: "5" },
  });
  const restored = await containerOf(restore(), {
    ...{ policy: "replace", match: "a*", matchRegex: "b", rename: "(.+)=old-$1", indicesOnly: "true", verifyRestored: "true" },
    ...{ esConcurrency: "6", deadLetters: "/stash-tmp/refused.ndjson", esIdleTimeout: "4m", timeout: "2h" },
  });

  expect(parametersOf(saved).values).toMatchObject({
    ...{ waitTimeout: 60_000, verifyAfter: true, match: "logs-*,-logs-debug", matchRegex: "^(?![.]).+$", skipHidden: true, full: true },
    matchNamesOnly: true,
    ...{ openClosed: true, skipSourceless: true, cursor: "scroll", concurrency: 3, keepAliveMs: 600_000, idleTimeoutMs: 180_000 },
    ...{ timeout: 3_600_000, logLevel: "debug" },
  });
  expect(parametersOf(restored).values).toMatchObject({
    ...{ policy: "replace", match: "a*", matchRegex: "b", rename: "(.+)=old-$1", indicesOnly: true, verifyRestored: true },
    ...{ concurrency: 6, deadLetters: "/stash-tmp/refused.ndjson", idleTimeoutMs: 240_000, timeout: 7_200_000 },
  });
});

test("every flag of the functions is a parameter of their Tasks", async () => {
  for (const [request, own] of [
    [backup(), esBackupParameters],
    [restore(), esRestoreParameters],
  ] as const) {
    const set = Object.keys(environmentOf(await containerOf(request)));

    expect(Object.values<Parameter>(own).filter(({ env }) => !env.some((name) => set.includes(name)))).toEqual([]);
  }
});

test.each([
  ["backup", backup],
  ["restore", restore],
])("every variable that the %s Function sets is one that the program reads", async (_, request) => {
  const container = await containerOf(request());

  const known = new Set(Object.values(parametersOf(container).table).flatMap(({ env }) => env));
  const forPeople = ["HOLDFAST_FUNCTION", "INVOKER_KIND", "INVOKER_NAME", "TARGET_KIND"];
  expect(Object.keys(environmentOf(container)).filter((name) => !known.has(name))).toEqual(forPeople);
});

test.each([
  ["backup", backup],
  ["restore", restore],
])("the %s container may run where Pod Security is restricted, with nothing to write to but its volumes", async (_, request) => {
  const { securityContext, volumeMounts } = await containerOf(request());

  expect(securityContext).toEqual({
    runAsNonRoot: true,
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ["ALL"] },
    seccompProfile: { type: "RuntimeDefault" },
  });
  expect(volumeMounts).toEqual([{ name: "stash-tmp-dir", mountPath: "/stash-tmp" }]);
});

test("nothing runs until somebody put an image in", async () => {
  await expect(containerOf(backup(), {}, {})).rejects.toThrow('"IMAGE-OF-HOLDFAST" is not an image\'s name');
});
