// biome-ignore-all lint/suspicious/noTemplateCurlyInString: templates of this kind are what is tested here
import fc from "fast-check";
import { ParameterError } from "../../../runner/errors.ts";
import { backupRequest } from "../../../runner/kubernetes/resolve-request.ts";
import { backup, backupBatch, repository, resolve, restore, stashFunction, task } from "./resolve-parts.ts";

function container(choice: Parameters<typeof resolve>[0] = {}) {
  const { containers } = resolve({ task: task({ steps: [{ name: "f" }] }), functions: [stashFunction("f")], ...choice }).job.spec.template
    .spec;
  return containers[0] as Readonly<Record<string, unknown>>;
}

test("a task's steps become containers in their order, all but the last of them init containers", () => {
  const { spec } = resolve().job.spec.template;

  expect(spec.initContainers?.map(({ name }) => name)).toEqual(["f-1-0-0"]);
  expect(spec.containers.map(({ name }) => name)).toEqual(["last-1"]);
  expect(spec.restartPolicy).toBe("Never");
  expect(spec.containers[0]?.imagePullPolicy).toBe("IfNotPresent");
});

test("a Job carries names, labels, owner and the namespace of its session, and is tried once", () => {
  const { job } = resolve();

  expect(job).toMatchObject({ apiVersion: "batch/v1", kind: "Job", spec: { backoffLimit: 0 } });
  const labels = { team: "carts", "app.kubernetes.io/component": "stash-backup", "app.kubernetes.io/managed-by": "stash.appscode.com" };
  expect(job.metadata).toEqual({
    name: "stash-backup-nightly-1-0",
    namespace: "shop",
    labels,
    ownerReferences: [
      {
        apiVersion: "stash.appscode.com/v1beta1",
        kind: "BackupSession",
        name: "nightly-1",
        uid: "u-1",
        controller: true,
        blockOwnerDeletion: true,
      },
    ],
  });
  expect(job.spec.template.metadata.labels).toEqual(labels);
});

test("a restore's Job is owned by its RestoreSession", () => {
  const { metadata } = resolve({ request: restore() }).job;

  expect(metadata.name).toBe("stash-restore-back-0");
  expect(metadata.labels).toMatchObject({ "app.kubernetes.io/component": "stash-restore" });
  expect(metadata.ownerReferences?.[0]).toMatchObject({ kind: "RestoreSession", uid: "u-2" });
});

test("a session without an identity owns nothing: a Job with a wrong owner would be removed at once", () => {
  expect(resolve({ request: backup({}, { name: "nightly-1" }) }).job.metadata).not.toHaveProperty("ownerReferences");
});

test("an exit code that is not 0 ends the Job, as it would without the policy, and is named in its condition", () => {
  const { spec } = resolve().job;

  expect(spec.podFailurePolicy).toEqual({ rules: [{ action: "FailJob", onExitCodes: { operator: "NotIn", values: [0] } }] });
  expect(spec.backoffLimit).toBe(0);
});

test("scratch space is mounted in every container, as the invoker wants it", () => {
  const { spec } = resolve({ request: backup({ tempDir: { medium: "Memory", sizeLimit: "2Gi" } }) }).job.spec.template;

  expect(spec.volumes).toEqual([{ name: "stash-tmp-dir", emptyDir: { medium: "Memory", sizeLimit: "2Gi" } }]);
  for (const { volumeMounts } of [...(spec.initContainers ?? []), ...spec.containers]) {
    expect(volumeMounts).toEqual([{ name: "stash-tmp-dir", mountPath: "/stash-tmp" }]);
  }
});

const interim = { name: "stash-interim-volume", mountPath: "/stash-interim-volume" };

test("an interim volume that a Function mounts is a claim of the session, mounted in every container", () => {
  const claimed = { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } };
  const request = backup({ interimVolumeTemplate: { metadata: { name: "dump" }, spec: claimed } });

  const functions = [
    stashFunction("f-1.0", { volumeMounts: [interim], args: ["${INTERIM_DATA_DIR}"] }),
    stashFunction("last", { volumeMounts: [{ ...interim, mountPath: "/dump" }] }),
  ];

  const { job, claim } = resolve({ request, functions });

  expect(claim).toMatchObject({ kind: "PersistentVolumeClaim", metadata: { name: "nightly-1-dump", namespace: "shop" }, spec: claimed });
  expect(claim?.metadata.ownerReferences).toEqual(job.metadata.ownerReferences);
  const { spec } = job.spec.template;
  expect(spec.volumes).toContainEqual({ name: "stash-interim-volume", persistentVolumeClaim: { claimName: "nightly-1-dump" } });
  for (const { volumeMounts } of [...(spec.initContainers ?? []), ...spec.containers]) {
    expect(volumeMounts.filter(({ mountPath }) => mountPath === interim.mountPath)).toEqual([interim]);
  }
  expect(spec.initContainers?.[0]?.args).toEqual(["/stash-interim-volume/data"]);
  expect(spec.containers[0]?.volumeMounts).toContainEqual({ ...interim, mountPath: "/dump" });
});

test("an interim volume that no Function mounts is not made: the directory lies in the scratch space", () => {
  const request = backup({ interimVolumeTemplate: { metadata: { name: "dump" }, spec: {} } });
  const functions = [stashFunction("f-1.0", { args: ["${INTERIM_DATA_DIR}"] }), stashFunction("last")];

  const { job, claim } = resolve({ request, functions });

  expect(claim).toBeUndefined();
  expect(JSON.stringify(job)).not.toContain("persistentVolumeClaim");
  expect(job.spec.template.spec.initContainers?.[0]?.args).toEqual(["/stash-tmp/stash-interim-volume/data"]);
});

test("a repository on a volume is mounted in every container, at its path", () => {
  const local = { mountPath: "/vault", subPath: "carts", persistentVolumeClaim: { claimName: "disk" } };

  const { spec } = resolve({ repository: repository({ local }) }).job.spec.template;

  expect(spec.volumes).toContainEqual({ name: "stash-local", persistentVolumeClaim: { claimName: "disk" } });
  expect(spec.containers[0]?.volumeMounts).toContainEqual({ name: "stash-local", mountPath: "/vault", subPath: "carts" });
});

test.each([
  [{ mountPath: "/vault" }, "needs one volume"],
  [{ mountPath: "/vault", emptyDir: {} }, "removed with its Pod"],
])("a repository at %j is refused: backups would be gone with the Pod", (local, message) => {
  expect(() => resolve({ repository: repository({ local }) })).toThrow(message);
});

test("settings of the pod go into its spec, and annotations and labels onto it", () => {
  const pod = {
    podLabels: { net: "db", "app.kubernetes.io/component": "mine" },
    podAnnotations: { note: "n" },
    nodeSelector: { disk: "fast" },
    serviceAccountName: "sa",
    securityContext: { fsGroup: 65534 },
    imagePullSecrets: [{ name: "pull" }],
    tolerations: [{ operator: "Exists" }],
    priorityClassName: "low",
    enableServiceLinks: false,
  };

  const { template } = resolve({ request: backup({ runtimeSettings: { pod } }), settings: { serviceAccountName: "other" } }).job.spec;

  const { podLabels: _labels, podAnnotations, ...inSpec } = pod;
  expect(template.spec).toMatchObject(inSpec);
  expect(template.metadata.annotations).toEqual(podAnnotations);
  expect(template.metadata.labels).toMatchObject({ net: "db", "app.kubernetes.io/component": "stash-backup" });
});

test("settings of the containers: the Function's first, then the invoker's on top", () => {
  const own = {
    nice: { adjustment: 5 },
    ionice: { class: 2, classData: 4 },
    env: [
      { name: "A", value: "f" },
      { name: "B", value: "f" },
    ],
    envFrom: [{ secretRef: { name: "one" } }],
    securityContext: { runAsUser: 1, readOnlyRootFilesystem: true },
  };
  const invoker = {
    nice: { adjustment: 9 },
    env: [
      { name: "B", value: "i" },
      { name: "C", value: "i" },
    ],
    envFrom: [{ secretRef: { name: "two" } }],
    securityContext: { runAsUser: 2 },
  };

  const result = container({
    functions: [stashFunction("f", { runtimeSettings: own })],
    request: backup({ runtimeSettings: { container: invoker } }),
  });

  expect(result).toMatchObject({
    env: [
      { name: "A", value: "f" },
      { name: "B", value: "i" },
      { name: "NICE_ADJUSTMENT", value: "9" },
      { name: "IONICE_CLASS", value: "2" },
      { name: "IONICE_CLASS_DATA", value: "4" },
      { name: "C", value: "i" },
    ],
    envFrom: [{ secretRef: { name: "one" } }, { secretRef: { name: "two" } }],
    securityContext: { runAsUser: 2, readOnlyRootFilesystem: true },
  });
});

test("requests count without limits as well (R20)", () => {
  const request = backup({ runtimeSettings: { container: { resources: { requests: { memory: "64Mi" }, limits: {} } } } });

  expect(container({ request }).resources).toEqual({ requests: { memory: "64Mi" } });
});

test.each([[{ requests: { memory: "64Mi" } }], [{ limits: { memory: "128Mi" } }]])(
  "the invoker's resources, %j, replace the Function's whole: a request of the one above a limit of the other would be refused (R20)",
  (resources) => {
    const own = stashFunction("f", { runtimeSettings: { resources: { requests: { memory: "1Gi" }, limits: { memory: "1Gi" } } } });

    expect(container({ functions: [own], request: backup({ runtimeSettings: { container: { resources } } }) }).resources).toEqual(
      resources,
    );
  },
);

test("empty resources of the invoker leave the Function's as they are", () => {
  const own = stashFunction("f", { runtimeSettings: { resources: { limits: { memory: "1Gi" } } } });
  const request = backup({ runtimeSettings: { container: { resources: { limits: {} } } } });

  expect(container({ functions: [own], request }).resources).toEqual({ limits: { memory: "1Gi" } });
});

test("a Function's templates are filled: the task's parameters over the step's, the image last", () => {
  const fn = stashFunction("f", {
    args: ["--to=${outputDir}", "--args=${args:=}", "--image=${ADDON_IMAGE}", "--ns=${NAMESPACE}"],
    command: ["${cmd:=run}"],
  });
  const steps = [
    {
      name: "f",
      params: [
        { name: "outputDir", value: "/out" },
        { name: "args", value: "step's" },
      ],
    },
  ];

  const result = container({
    task: task({ steps }),
    functions: [fn],
    request: backup({ task: { name: "t", params: [{ name: "args", value: "mine" }] } }),
  });

  expect(result).toMatchObject({
    image: "registry.example/own:1",
    command: ["run"],
    args: ["--to=/out", "--args=mine", "--image=registry.example/own:1", "--ns=shop"],
  });
});

test("one image may take the place of every Function's own", () => {
  const { spec } = resolve({ settings: { image: "registry.example/holdfast:1" } }).job.spec.template;

  expect([...(spec.initContainers ?? []), ...spec.containers].map(({ image }) => image)).toEqual(
    Array(2).fill("registry.example/holdfast:1"),
  );
});

test("a Task's volumes are filled and mounted by the Functions", () => {
  const volumes = [{ name: "key", secret: { secretName: "${REPOSITORY_SECRET_NAME}" } }];
  const fn = stashFunction("f", { volumeMounts: [{ name: "${volume}", mountPath: "/key" }] });

  const { spec } = resolve({
    task: task({ steps: [{ name: "f", params: [{ name: "volume", value: "key" }] }], volumes }),
    functions: [fn],
  }).job.spec.template;

  expect(spec.volumes).toContainEqual({ name: "key", secret: { secretName: "vault-key" } });
  expect(spec.containers[0]?.volumeMounts).toContainEqual({ name: "key", mountPath: "/key" });
});

test("no parameter of a task, whatever its characters, changes anything but the text it stands in (R18)", () => {
  const fn = stashFunction("f", { args: ["--args=${args:=}", "--last"], runtimeSettings: { env: [{ name: "ARGS", value: "${args:=}" }] } });
  const withArgs = (value: string) =>
    container({ functions: [fn], request: backup({ task: { name: "t", params: [{ name: "args", value }] } }) });
  const plain = withArgs("plain");
  const hostile = fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom('","--privileged', '"}],"x":[{"', "\\", "${NAMESPACE}", "$$"));

  fc.assert(
    fc.property(hostile, (value) => {
      expect(withArgs(value)).toEqual({ ...plain, args: [`--args=${value}`, "--last"], env: [{ name: "ARGS", value }] });
    }),
  );
});

test.each([
  ["an unknown variable", { functions: [stashFunction("f", { args: ["${NOWHERE}"] })] }, 'variable "NOWHERE" is not known'],
  ["a Task without steps", { task: task({ steps: [] }) }, "has no steps"],
  ["a Task without a spec", { task: task({}) }, "has no steps"],
  ["a missing Function", { functions: [] }, 'names the Function "f", which is missing'],
  ["a Function without an image", { functions: [stashFunction("f", { image: undefined })] }, "is not an image's name"],
  ["a placeholder for an image", { functions: [stashFunction("f", { image: "IMAGE-OF-HOLDFAST" })] }, "is not an image's name"],
  ["a mount without a volume", { functions: [stashFunction("f", { volumeMounts: [{ name: "v", mountPath: "/v" }] })] }, 'the volume "v"'],
  ["a mount without a path", { functions: [stashFunction("f", { volumeMounts: [{ name: "v" }] })] }, "spec.volumeMounts[0].mountPath"],
  [
    "two mounts at one path",
    { functions: [stashFunction("f", { volumeMounts: [{ name: "stash-tmp-dir", mountPath: "/stash-tmp" }] })] },
    "two volumes",
  ],
  ["a volume whose name is taken", { task: task({ steps: [{ name: "f" }], volumes: [{ name: "stash-tmp-dir" }] }) }, "stands there twice"],
  ["a field of a Function that we do not know", { functions: [stashFunction("f", { sidecar: {} })] }, "spec.sidecar is not supported"],
  [
    "a pod setting that we do not know",
    { request: backup({ runtimeSettings: { pod: { hostNetwork: true } } }) },
    "hostNetwork is not supported",
  ],
  ["a container setting that we do not know", { request: backup({ runtimeSettings: { container: { stdin: true } } }) }, "has stdin"],
  [
    "an interim volume without a spec",
    {
      request: backup({ interimVolumeTemplate: { metadata: { name: "i" } } }),
      functions: [stashFunction("f", { volumeMounts: [interim] })],
      task: task({ steps: [{ name: "f" }] }),
    },
    "interimVolumeTemplate.spec",
  ],
])("what cannot be resolved whole is an error, never an empty pod: %s (R19)", (_, choice, message) => {
  const act = () => container(choice);

  expect(act).toThrow(ParameterError);
  expect(act).toThrow(message);
});

test("a probe is refused where there are init containers, which cannot have one", () => {
  const request = backup({ runtimeSettings: { container: { livenessProbe: { tcpSocket: { port: 1 } } } } });

  expect(() => resolve({ request })).toThrow("livenessProbe, which an init container cannot have");
  expect(container({ request })).toHaveProperty("livenessProbe");
});

const ref = { kind: "AppBinding", name: "carts" };
test.each([
  ["a hook", () => backup({ hooks: { preBackup: { exec: { command: ["sync"] } } } }), "hooks.preBackup: hooks are not supported"],
  ["a restore's hook", () => restore({ hooks: { postRestore: { tcpSocket: { port: 1 } } } }), "hooks.postRestore"],
  ["volume snapshots", () => backup({ driver: "VolumeSnapshotter" }), "the driver VolumeSnapshotter is not supported"],
  ["a restore from volume snapshots", () => restore({ driver: "VolumeSnapshotter" }), "the driver VolumeSnapshotter is not supported"],
  ["claims to be made", () => restore({ target: { ref, volumeClaimTemplates: [{ spec: {} }] } }), "volumeClaimTemplates is not supported"],
  ["a workload", () => backup({ target: { ref: { kind: "Deployment", name: "web" } } }), "a target of kind Deployment is not supported"],
  ["no target", () => backup({ target: undefined }), "names no target"],
  ["no repository", () => backup({ repository: undefined }), "names no repository"],
])("%s is refused by name", (_, act, message) => {
  expect(act).toThrow(ParameterError);
  expect(act).toThrow(message);
});

test("every member of a batch is a request of its own; hooks of the batch are refused, and members that are not there", () => {
  const members = ["a", "b"].map((name) => ({ target: { ref: { ...ref, name }, alias: name }, task: { name: "t" } }));
  const session = { name: "all-1" };

  const second = backupRequest(backupBatch({ members }), { session, targetIndex: 1 });

  expect(resolve({ request: second }).job.metadata.name).toBe("stash-backup-all-1-1");
  expect(second.appBinding).toEqual({ namespace: "shop", name: "b" });
  expect(() => backupRequest(backupBatch({ members }), { session, targetIndex: 2 })).toThrow("no target number 2");
  const hooks = { postBackup: { tcpSocket: { port: 1 } } };
  expect(() => backupRequest(backupBatch({ members, hooks }), { session, targetIndex: 0 })).toThrow("hooks.postBackup");
});
