import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { type FaultyHttpProxy, startFaultyHttpProxy } from "../../fakes/faulty-http-proxy.ts";
import type { SearchServer } from "../../servers/search-server.ts";
import { useElasticsearch } from "../../servers/search-server-pool.ts";
import { fillIndex } from "../../tools/search-dataset.ts";
import { diffIndices, readAll } from "../../tools/search-equality.ts";
import { type RunningHoldfast, startHoldfast } from "../holdfast-process.ts";
import { askOf, openScene, type SearchScene } from "./search-scene.ts";

const DOCUMENTS = 12_000;
const PAGE = /^POST \/_search\?(?!.*filter_path)/;

let server: SearchServer;

beforeAll(async () => {
  server = await useElasticsearch("8.19.4");
}, 240_000);
afterAll(() => server[Symbol.asyncDispose]());

/** Points in time and scrolls that somebody holds on the server. */
async function openContexts(): Promise<number> {
  const answer = await askOf(server)("GET /_nodes/stats/indices/search");
  const { nodes } = answer as { nodes: Record<string, { indices: { search: { open_contexts: number } } }> };
  return Object.values(nodes).reduce((sum, { indices }) => sum + indices.search.open_contexts, 0);
}

async function makeIndex({ prefix, ask }: SearchScene): Promise<string> {
  const index = `${prefix}-1`;
  await fillIndex(server, index, { documents: DOCUMENTS, shards: 2 });
  // So that there are many pages.
  await ask(`PUT /${index}/_settings`, { "index.max_result_window": 1_000 });
  return index;
}

/** Never answers the nth request of this kind, nor any later one. */
function hangFrom(proxy: FaultyHttpProxy, { kind, nth }: { kind: RegExp; nth: number }): { readonly reached: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>();
  let met = 0;
  proxy.break(({ method, url }) => {
    if (!kind.test(`${method} ${url}`)) return undefined;
    met += 1;
    if (met < nth) return undefined;
    resolve();
    return { kind: "hang" };
  });
  return { reached: promise };
}

const start = (command: string, { scene, proxy }: { scene: SearchScene; proxy: FaultyHttpProxy }): RunningHoldfast =>
  startHoldfast([
    ...[command, "--url", proxy.endpoint, "--store", scene.store],
    ...(command === "es-backup" ? ["--match", `${scene.prefix}*`] : []),
  ]);

/** The moment, unless the process ends before. */
async function until(reached: Promise<void>, running: RunningHoldfast): Promise<void> {
  const ended = running.outcome.then(({ stderr }) => Promise.reject(new Error(`It ended too early: ${stderr}`)));
  ended.catch(() => undefined);
  await Promise.race([reached, ended]);
}

function filesOf({ store }: SearchScene, pattern: RegExp): string[] {
  if (!existsSync(join(store, "holdfast"))) return [];
  return readdirSync(store, { recursive: true })
    .map(String)
    .filter((name) => pattern.test(name));
}

async function listed(scene: SearchScene): Promise<unknown[]> {
  const { stdout, exitCode } = await scene.run("snapshots", ["--json"]);
  expect(exitCode).toBe(0);
  return JSON.parse(stdout) as unknown[];
}

test.each([
  ["SIGTERM", 143],
  ["SIGINT", 130],
] as const)(
  "fault 3: %s in the middle of a backup ends it with %d: nothing is listed or left, and the server holds no cursor",
  async (signal, code) => {
    await using scene = await openScene(server, "stopped");
    await using proxy = await startFaultyHttpProxy(server.port);
    await makeIndex(scene);
    const before = await openContexts();
    const { reached } = hangFrom(proxy, { kind: PAGE, nth: 6 });
    await using running = start("es-backup", { scene, proxy });
    await until(reached, running);
    const during = await openContexts();

    running.kill(signal);
    const outcome = await running.outcome;

    expect(outcome).toMatchObject({ exitCode: code, report: { outcome: "Failed", code, reason: "Interrupted" } });
    expect(during).toBeGreaterThan(before);
    expect(await openContexts()).toBe(before);
    expect(filesOf(scene, /holdfast\/(data|leases|snapshots)\/.*\.(age|json|manifest)$/)).toEqual([]);
    expect(await listed(scene)).toEqual([]);
  },
);

test("kill -9 in the middle of a backup lists nothing, and the next backup is whole and restorable", async () => {
  await using scene = await openScene(server, "killed");
  await using proxy = await startFaultyHttpProxy(server.port);
  const index = await makeIndex(scene);
  const content = await readAll(server, index);
  const { reached } = hangFrom(proxy, { kind: PAGE, nth: 6 });
  await using running = start("es-backup", { scene, proxy });
  await until(reached, running);

  running.kill("SIGKILL");
  const killed = await running.outcome;
  const afterwards = await listed(scene);
  const next = await scene.backup();
  await scene.destroy();
  const restore = await scene.restore();

  expect(killed.signal).toBe("SIGKILL");
  expect(afterwards).toEqual([]);
  expect(next).toMatchObject({ exitCode: 0, report: { counts: { documents: DOCUMENTS, unchangedIndices: 0 } } });
  expect(restore.exitCode).toBe(0);
  expect(diffIndices(content, await readAll(server, index))).toEqual([]);
});

test("SIGTERM in the middle of a restore ends it with 143 and tells what was made; --policy replace writes it anew", async () => {
  await using scene = await openScene(server, "halfway");
  await using proxy = await startFaultyHttpProxy(server.port);
  const index = await makeIndex(scene);
  const content = await readAll(server, index);
  await scene.backup();
  await scene.destroy();
  const { reached } = hangFrom(proxy, { kind: /_bulk/, nth: 1 });
  await using running = start("es-restore", { scene, proxy });
  await until(reached, running);

  running.kill("SIGTERM");
  const outcome = await running.outcome;
  const again = await scene.restore();
  const replaced = await scene.restore(["--policy", "replace"]);

  expect(outcome).toMatchObject({ exitCode: 143, report: { code: 143, reason: "Interrupted", facts: { createdIndices: [index] } } });
  expect(again).toMatchObject({ exitCode: 21, report: { reason: "TargetNotEmpty" } });
  expect(replaced.exitCode).toBe(0);
  expect(diffIndices(content, await readAll(server, index))).toEqual([]);
});
