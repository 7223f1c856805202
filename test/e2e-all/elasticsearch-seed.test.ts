// Stash's guide "How Stash Backup & Restore Elasticsearch Database", step by step, on a real node: with a volume template as the guide asks for, over TLS.

import {
  asRestored,
  type ClusterDescription,
  describeCluster,
  fillPortableThings,
  readContents,
} from "../e2e/elasticsearch/sample-cluster.ts";
import { destroyAll } from "../e2e/elasticsearch/search-scene.ts";
import { type OperatorScene, STASH, startOperatorScene } from "../e2e/kubernetes/operator-scene.ts";
import { appBinding, backupConfiguration, backupSession, restoreSession, secret } from "../e2e/kubernetes/seed-objects.ts";
import { conditionsOf, endOf, type SessionStatus, seriesOf, statusOf } from "../e2e/kubernetes/session-end.ts";
import { withDiagnosis } from "../e2e/kubernetes/with-diagnosis.ts";
import { startElasticsearch } from "../servers/elasticsearch-server.ts";
import type { KubernetesObject } from "../servers/kubernetes/kubernetes-objects.ts";
import { waitForObject, waitForObjects, waitUntilGone } from "../servers/kubernetes/wait-for-object.ts";
import type { SearchServer } from "../servers/search-server.ts";
import { diffIndices, type IndexContent } from "../tools/search-equality.ts";

const BETA = `${STASH}/v1beta1`;
const PREFIX = "shop";
const CREDENTIALS = { username: "keeper", password: "a-password-of-a-cluster" };
let scene: OperatorScene;
let server: SearchServer;
let namespace: string;
let indices: readonly string[];
let contents: ReadonlyMap<string, IndexContent>;
let before: ClusterDescription;

beforeAll(async () => {
  scene = await startOperatorScene();
  namespace = await scene.makeNamespace();
  server = await startElasticsearch({ version: "8.19.4", security: CREDENTIALS });
  indices = await fillPortableThings(server, PREFIX);
  contents = asRestored(await readContents(server, indices));
  before = await describeCluster(server, PREFIX);
}, 1_800_000);
afterAll(async () => {
  await scene?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
}, 120_000);

const ref = (apiVersion: string, kind: string, name: string) => ({ apiVersion, kind, metadata: { namespace, name } });
const named = (name: string) => ({ namespace, name, appBinding: "sample-es", repository: "cellar" });

/** As the guide has it; no class of storage of that name is anywhere near. */
const INTERIM = {
  interimVolumeTemplate: {
    metadata: { name: "sample-es-tmp-storage" },
    spec: { accessModes: ["ReadWriteOnce"], storageClassName: "standard", resources: { requests: { storage: "1Gi" } } },
  },
  runtimeSettings: { pod: { securityContext: { fsGroup: 65534 } } },
};

async function destroyData(): Promise<void> {
  await destroyAll(server, PREFIX);
  expect((await describeCluster(server, PREFIX)).indices).toEqual({});
}

async function expectAllBack(): Promise<void> {
  expect(await describeCluster(server, PREFIX)).toEqual(before);
  const back = await readContents(server, indices);
  for (const [index, content] of contents) expect([index, diffIndices(content, back.get(index) ?? new Map())]).toEqual([index, []]);
}

const claims = async () => scene.objects.list("v1", "PersistentVolumeClaim", namespace);

test("a schedule backs an Elasticsearch up by Stash's Task, and a RestoreSession brings everything back", async () => {
  await withDiagnosis(scene, namespace, async () => {
    // 1. to 3. The Secret and the Repository are there; the AppBinding, with the authority of the server's certificate, and a BackupConfiguration with Task and volume template.
    const { objects, gateway } = scene;
    await objects.apply(secret(namespace, "es-auth", CREDENTIALS));
    await objects.apply(await binding());
    const backup = { ...named("sample-es-backup"), task: "elasticsearch-backup-8.2.0", spec: INTERIM };
    await objects.apply(backupConfiguration({ ...backup, schedule: "*/1 * * * *" }));

    // 4. and 5. Ready, with a CronJob of the schedule.
    const ready = await waitForObject(objects, ref(BETA, "BackupConfiguration", backup.name), (each) => statusOf(each).phase === "Ready");
    expect(conditionsOf(statusOf(ready))).toContain("CronJobCreated True");
    expect((await objects.get(ref("batch/v1", "CronJob", "stash-trigger-sample-es-backup"))).spec).toMatchObject({
      schedule: "*/1 * * * *",
    });

    // 6. and 7. The next slot makes a BackupSession, once: then the schedule is stopped.
    const place = { apiVersion: BETA, kind: "BackupSession", namespace };
    const [session] = await waitForObjects(objects, place, (all) => all.length > 0, { timeoutMs: 180_000 });
    const { name } = (session as KubernetesObject).metadata;
    await scene.pauseBackups(namespace, backup.name);

    // 8. to 11. Task and Function become a Job that dumps the indices, without any volume.
    const ended = await endOf(objects, ref(BETA, "BackupSession", name));
    const { targets } = ended.status as { targets: readonly (SessionStatus & { stats: readonly object[] })[] };
    expect(targets).toMatchObject([{ phase: "Succeeded", totalHosts: 1, stats: [{ hostname: "host-0", phase: "Succeeded" }] }]);
    expect(await claims()).toEqual([]);

    // 12. The Repository's status, and metrics.
    const cellar = await objects.get(ref(`${STASH}/v1alpha1`, "Repository", "cellar"));
    expect(cellar.status).toMatchObject({ integrity: true, snapshotCount: 1, references: [{ name: "sample-es-backup" }] });
    const pushed = ["backupsession_success", "backupsession_target_success", "backupsession_host_backup_success", "repository_integrity"];
    const values = await seriesOf(
      gateway,
      { namespace },
      pushed.map((each) => `stash_appscode_com_${each}`),
    );
    for (const each of pushed) expect([each, values.get(`stash_appscode_com_${each}`)]).toEqual([each, 1]);

    // The restore: 1. a RestoreSession, again with a volume template, 2. to 6. the Job that writes everything back, 7. status and metrics.
    await destroyData();
    await objects.apply(restoreSession({ ...named("sample-es-restore"), task: "elasticsearch-restore-8.2.0", spec: INTERIM }));
    const restored = await endOf(objects, ref(BETA, "RestoreSession", "sample-es-restore"));
    await expectAllBack();
    expect(restored.status).toMatchObject({ totalHosts: 1, stats: [{ hostname: "host-0", phase: "Succeeded" }] });
    expect(await claims()).toEqual([]);
    const back = ["restoresession_success", "restoresession_target_success", "restoresession_host_restore_success"];
    const after = await seriesOf(
      gateway,
      { namespace, invoker_kind: "RestoreSession" },
      back.map((each) => `stash_appscode_com_${each}`),
    );
    for (const each of back) expect([each, after.get(`stash_appscode_com_${each}`)]).toEqual([each, 1]);
  });
}, 900_000);

test("our own Tasks do the same in one container, at once, and verify what they restored", async () => {
  await withDiagnosis(scene, namespace, async () => {
    const { objects } = scene;
    const backup = { ...named("sample-es-own"), task: "holdfast-es-backup" };
    await objects.apply(backupConfiguration({ ...backup, schedule: "0 0 1 1 *" }));
    await waitForObject(objects, ref(BETA, "BackupConfiguration", backup.name), (each) => statusOf(each).phase === "Ready");

    await objects.apply(backupSession(namespace, "now", backup.name));
    await endOf(objects, ref(BETA, "BackupSession", "now"));
    await destroyData();
    const task = { name: "holdfast-es-restore", params: [{ name: "verifyRestored", value: "true" }] };
    await objects.apply(restoreSession({ ...named("own-restore"), task: "", spec: { task } }));
    await endOf(objects, ref(BETA, "RestoreSession", "own-restore"));

    await expectAllBack();
    for (const kind of ["BackupConfiguration", "RestoreSession"] as const)
      for (const { metadata } of await objects.list(BETA, kind, namespace)) {
        await objects.delete(ref(BETA, kind, metadata.name));
        await waitUntilGone(objects, ref(BETA, kind, metadata.name));
      }
    await waitForObjects(objects, { apiVersion: "batch/v1", kind: "Job", namespace }, (all) => all.length === 0);
  });
}, 600_000);

async function binding(): Promise<KubernetesObject> {
  const url = `https://${await scene.reach(server.port)}`;
  const plain = appBinding({ namespace, name: "sample-es", type: "elasticsearch", url, secret: "es-auth" });
  // The certificate is one for 127.0.0.1 and "localhost", and the pods come from elsewhere.
  const tls = { caBundle: Buffer.from(server.ca ?? "").toString("base64"), serverName: "localhost" };
  const { clientConfig } = plain.spec as { clientConfig: object };
  return { ...plain, spec: { ...(plain.spec as object), version: "8.2.0", clientConfig: { ...clientConfig, ...tls } } };
}
