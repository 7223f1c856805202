import { createOnce } from "../../../operator/apply/create-once.ts";
import { type EnsureParts, ensureObject } from "../../../operator/apply/ensure-object.ts";
import type { LiveObject, WantedObject } from "../../../operator/objects.ts";
import type { ObjectsApi } from "../../../operator/objects-api.ts";
import { reconcileBackupConfiguration } from "../../../operator/reconcile-backup-configuration.ts";
import { openObjectsApi } from "../../../operator/watch/server-objects-api.ts";
import { findApi } from "../../../runner/kubernetes/api-place.ts";
import { type Kubernetes, startKubernetes } from "../../servers/kubernetes/start-kubernetes.ts";
import { backupConfiguration, InvokerWorld, NIGHTLY } from "../../unit/operator/invoker-world.ts";

let server: Kubernetes;
let api: ObjectsApi & Disposable;

beforeAll(async () => {
  server = await startKubernetes();
  const warn = (message: string) => {
    throw new Error(message);
  };
  api = openObjectsApi(await findApi({ kubeconfig: server.adminKubeconfig, environment: {} }), { warn });
}, 1_800_000);

afterAll(async () => {
  api[Symbol.dispose]();
  await server.stop();
});

const never = new AbortController().signal;

/** Everything that a user may write in his own way, and the server keeps in its own. */
const RUNTIME_SETTINGS = {
  container: {
    resources: { limits: { cpu: "1000m", memory: "1024Mi" }, requests: { cpu: "0.25", memory: "0.5Gi" } },
    env: [{ name: "EMPTY", value: "" }],
    securityContext: { privileged: false, runAsUser: 65534 },
  },
  pod: {
    nodeSelector: { disk: "ssd" },
    priorityClassName: "",
    imagePullSecrets: [{ name: "pull" }],
    tolerations: [{ key: "dedicated", operator: "Exists" }],
    securityContext: { fsGroup: 65534, runAsNonRoot: true },
  },
};

/** What a BackupConfiguration leads to, in a namespace of its own. */
async function wantedObjects(): Promise<readonly WantedObject[]> {
  const invoker = InvokerWorld.furnished();
  invoker.api.put(backupConfiguration({ runtimeSettings: RUNTIME_SETTINGS }));
  await invoker.settle(reconcileBackupConfiguration, NIGHTLY);
  const namespace = await server.objects.createNamespace();
  const made = invoker.api.writes.filter(({ verb, kind }) => verb === "create" && kind !== "Event");
  return made.map(({ object }) => JSON.parse(JSON.stringify(object).replaceAll('"shop"', JSON.stringify(namespace))));
}

const nameOf = ({ metadata }: WantedObject) => ({ namespace: metadata.namespace ?? "", name: metadata.name });

test("all that a BackupConfiguration leads to is written once, and nobody is asked about it again", async () => {
  const wanted = await wantedObjects();
  const live = new Map<WantedObject, LiveObject>();
  for (const object of wanted) {
    live.set(object, (await ensureObject(object, { api, cached: () => undefined, signal: never })) as LiveObject);
  }
  const silent = new Proxy({} as ObjectsApi, {
    get: (_, verb) => () => {
      throw new Error(`${String(verb)} was called`);
    },
  });

  for (const object of wanted) {
    const parts: EnsureParts = { api: silent, cached: () => live.get(object), signal: never };
    expect(await ensureObject(object, parts)).toBeUndefined();
  }

  expect([...new Set(wanted.map(({ kind }) => kind))].toSorted()).toEqual(["CronJob", "Role", "RoleBinding", "ServiceAccount"]);
});

test("what somebody changes by hand is changed back, and a changed role of a RoleBinding is made anew", async () => {
  const wanted = await wantedObjects();
  const parts: EnsureParts = { api, cached: () => undefined, signal: never };
  for (const object of wanted) await ensureObject(object, parts);
  const [cronJob, binding] = ["CronJob", "RoleBinding"].map((kind) => wanted.find((object) => object.kind === kind) as WantedObject);
  const former = (await api.get("CronJob", nameOf(cronJob as WantedObject))) as LiveObject;
  await api.replace({ ...former, spec: { ...former.spec, suspend: true, startingDeadlineSeconds: 17 } });
  const other = { ...binding, roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "another" } } as WantedObject;

  const restored = await ensureObject(cronJob as WantedObject, parts);
  const rebound = await ensureObject(other, parts);

  expect(restored?.spec).toEqual(former.spec);
  expect(rebound?.roleRef).toEqual(other.roleRef);
});

test("what is made once is made once, whoever asks again", async () => {
  const [first] = await wantedObjects();
  const object = { ...(first as WantedObject), kind: "ServiceAccount", apiVersion: "v1" };
  const account = { apiVersion: object.apiVersion, kind: object.kind, metadata: object.metadata };

  const made = await createOnce(account, { api, signal: never });
  const again = await createOnce(account, { api, signal: never });

  expect(made?.metadata.uid).toMatch(/./);
  expect(again).toBeUndefined();
  await expect(
    createOnce({ ...account, metadata: { ...account.metadata, annotations: { other: "one" } } }, { api, signal: never }),
  ).rejects.toMatchObject({ reason: "NameTaken" });
});
