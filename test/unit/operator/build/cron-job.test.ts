import { triggerCronJob } from "../../../../operator/build/cron-job.ts";
import type { Fields, LiveObject } from "../../../../operator/objects.ts";
import { parseObject } from "../../../../runner/kubernetes/parse-object.ts";
import { backupRequest } from "../../../../runner/kubernetes/resolve-request.ts";
import { backupConfiguration, SETTINGS } from "../invoker-world.ts";

function cronJob(spec: Fields = {}, metadata: Fields = {}) {
  const wanted = backupConfiguration(spec, { uid: "u-1", ...metadata });
  const parsed = parseObject("BackupConfiguration", wanted, { name: "nightly" });
  const request = backupRequest(parsed, { session: { name: "nightly" }, targetIndex: 0 });
  const invoker = wanted as unknown as LiveObject;
  return triggerCronJob(request, { invoker, schedule: "0 3 * * *", isPaused: parsed.spec.paused === true, settings: SETTINGS });
}

function pod(spec: Fields = {}): Fields {
  const { jobTemplate } = cronJob(spec).spec as { jobTemplate: { spec: { template: { spec: Fields; metadata: Fields } } } };
  return { ...jobTemplate.spec.template.spec, podMetadata: jobTemplate.spec.template.metadata };
}

function container(settings?: Fields): Fields {
  const { containers } = pod(settings === undefined ? {} : { runtimeSettings: { container: settings } });
  return (containers as readonly Fields[])[0] as Fields;
}

test("the whole CronJob, where nothing but what is needed is set", () => {
  const labels = { team: "carts", "app.kubernetes.io/component": "stash-backup", "app.kubernetes.io/managed-by": "stash.appscode.com" };

  expect(cronJob()).toEqual({
    apiVersion: "batch/v1",
    kind: "CronJob",
    metadata: {
      name: "stash-trigger-nightly",
      namespace: "shop",
      labels,
      ownerReferences: [
        {
          apiVersion: "stash.appscode.com/v1beta1",
          kind: "BackupConfiguration",
          name: "nightly",
          uid: "u-1",
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    },
    spec: {
      schedule: "0 3 * * *",
      suspend: false,
      startingDeadlineSeconds: 600,
      jobTemplate: {
        metadata: { labels: { ...labels, "stash.appscode.com/delete-job-on-completion": "true" } },
        spec: {
          template: {
            metadata: { labels },
            spec: {
              restartPolicy: "Never",
              serviceAccountName: "stash-trigger-nightly",
              containers: [
                {
                  name: "stash-trigger",
                  image: "registry.example/holdfast:1",
                  imagePullPolicy: "IfNotPresent",
                  args: ["create-backupsession", "--invoker-name=nightly", "--invoker-kind=BackupConfiguration"],
                  env: [
                    { name: "POD_NAMESPACE", valueFrom: { fieldRef: { fieldPath: "metadata.namespace" } } },
                    {
                      name: "HOLDFAST_JOB_NAME",
                      valueFrom: { fieldRef: { fieldPath: "metadata.labels['batch.kubernetes.io/job-name']" } },
                    },
                  ],
                  resources: { requests: { cpu: "10m", memory: "64Mi" } },
                  securityContext: {
                    runAsNonRoot: true,
                    seccompProfile: { type: "RuntimeDefault" },
                    allowPrivilegeEscalation: false,
                    readOnlyRootFilesystem: true,
                    capabilities: { drop: ["ALL"] },
                  },
                },
              ],
            },
          },
        },
      },
    },
  });
});

test("paused is suspended", () => {
  expect(cronJob({ paused: true }).spec).toMatchObject({ suspend: true });
});

test.each([
  ["x".repeat(60), {}, `${"x".repeat(52)}`],
  ["nightly.carts", {}, "stash-trigger-nightly-carts"],
  ["nightly", { namespace: "carts" }, "stash-trigger-shop-nightly"],
  ["x".repeat(60), { namespace: "carts" }, `stash-trigger-shop-${"x".repeat(7)}${"x".repeat(26)}`],
])("the CronJob of %s has a name of at most 52 characters, as Stash makes it", (name, ref, expected) => {
  const target = { ref: { apiVersion: "appcatalog.appscode.com/v1alpha1", kind: "AppBinding", name: "carts", ...ref } };

  expect(cronJob({ target }, { name }).metadata.name).toBe(expected);
  expect(expected.length).toBeLessThanOrEqual(52);
});

test("the pod takes all settings of the pod", () => {
  const settings = {
    ...{ nodeSelector: { disk: "fast" }, tolerations: [{ operator: "Exists" }], priorityClassName: "low", serviceAccountName: "mine" },
    ...{ podLabels: { "own-label": "a", team: "theirs" }, podAnnotations: { note: "b" }, imagePullSecrets: [{ name: "pull" }] },
    ...{ securityContext: { fsGroup: 65534 }, runtimeClassName: "gvisor", schedulerName: "other", automountServiceAccountToken: true },
    serviceAccountAnnotations: { role: "not for a pod" },
  };

  const { podMetadata, containers: _, ...spec } = pod({ runtimeSettings: { pod: settings } });

  const { podLabels: _labels, podAnnotations, serviceAccountAnnotations: _annotations, ...inSpec } = settings;
  expect(spec).toEqual({ restartPolicy: "Never", ...inSpec });
  expect(podMetadata).toEqual({ labels: expect.objectContaining({ "own-label": "a", team: "carts" }), annotations: podAnnotations });
});

test("a setting of the pod that is not known is refused, not dropped", () => {
  expect(() => pod({ runtimeSettings: { pod: { hostNetwork: true } } })).toThrow(/runtimeSettings\.pod\.hostNetwork is not supported/);
});

test("the container takes resources, environment and security settings, and no probes", () => {
  const made = container({
    resources: { limits: { memory: "256Mi" } },
    env: [
      { name: "A", value: "1" },
      { name: "A", value: "2" },
      { name: "POD_NAMESPACE", value: "elsewhere" },
    ],
    envFrom: [{ secretRef: { name: "proxy" } }],
    securityContext: { runAsUser: 1000, readOnlyRootFilesystem: false },
    livenessProbe: { exec: { command: ["true"] } },
    nice: { adjustment: 5 },
  });

  expect(made).toMatchObject({ resources: { limits: { memory: "256Mi" } }, envFrom: [{ secretRef: { name: "proxy" } }] });
  expect((made.env as readonly Fields[]).map(({ name, value }) => [name, value])).toEqual([
    ["A", "2"],
    ["POD_NAMESPACE", undefined],
    ["HOLDFAST_JOB_NAME", undefined],
  ]);
  expect(made.securityContext).toMatchObject({ runAsUser: 1000, readOnlyRootFilesystem: false, runAsNonRoot: true });
  expect(made).not.toHaveProperty("livenessProbe");
});
