import { judgeConfiguration } from "../../../../operator/decide/judge-configuration.ts";
import type { Fields } from "../../../../operator/objects.ts";
import { ParameterError } from "../../../../runner/errors.ts";
import { parseObject } from "../../../../runner/kubernetes/parse-object.ts";
import { appBinding, backupConfiguration, repository, VAULT } from "../invoker-world.ts";

interface Parts {
  readonly repository?: Fields;
  readonly binding?: Fields;
  readonly place?: typeof VAULT;
}

function judge(spec: Fields = {}, { repository: store = {}, binding, place }: Parts = {}) {
  return judgeConfiguration(parseObject("BackupConfiguration", backupConfiguration(spec), { name: "nightly" }), {
    repository: parseObject("Repository", repository(store, place), { name: "vault" }),
    appBinding: parseObject("AppBinding", appBinding(binding), { name: "carts" }),
  });
}

const ref = { apiVersion: "appcatalog.appscode.com/v1alpha1", kind: "AppBinding", name: "carts" };
const policy = (fields: Fields) => ({ retentionPolicy: { name: "keep", prune: true, ...fields } });
const claim = { mountPath: "/backups", persistentVolumeClaim: { claimName: "disk" } };

test.each<[string, Fields, Parts, RegExp]>([
  ["a hook before", { hooks: { preBackup: { exec: {} } } }, {}, /hooks\.preBackup: hooks are not supported/],
  ["a hook after", { hooks: { postBackup: { exec: {} } } }, {}, /hooks\.postBackup: hooks are not supported/],
  ["volume snapshots", { driver: "VolumeSnapshotter" }, {}, /the driver VolumeSnapshotter is not supported/],
  ["another kind of target", { target: { ref: { ...ref, kind: "Deployment" } } }, {}, /a target of kind Deployment is not supported/],
  ["no target", { target: undefined }, {}, /it names no target/],
  ["no Repository", { repository: undefined }, {}, /it names no repository/],
  ["no schedule", { schedule: undefined }, {}, /it has no schedule/],
  ["an empty schedule", { schedule: " " }, {}, /it has no schedule/],
  ["a policy that keeps nothing", policy({}), {}, /the retentionPolicy "keep" keeps nothing/],
  ["a policy of zeros", policy({ keepLast: 0, keepTags: [] }), {}, /keeps nothing/],
  ["a timeOut of nothing", { timeOut: "0s" }, {}, /timeOut is "0s": every session would have failed/],
  ["a timeOut beyond all numbers", { timeOut: "99999999999h" }, {}, /timeOut is no duration/],
  ["a delay beyond all numbers", { retryConfig: { maxRetry: 1, delay: "99999999999h" } }, {}, /retryConfig\.delay is no duration/],
  [
    "a target elsewhere",
    { target: { ref: { ...ref, namespace: "carts" } } },
    {},
    /its target lies in namespace "carts", where the operator gives nobody/,
  ],
  ["an unknown setting of the pod", { runtimeSettings: { pod: { hostPID: true } } }, {}, /runtimeSettings\.pod\.hostPID is not supported/],
  [
    "a backend that is not served",
    {},
    { repository: { backend: { storageSecretName: "k", gcs: { bucket: "b" } } } },
    /the backend gcs is not supported/,
  ],
  ["a backend that is no place", {}, { repository: { backend: { storageSecretName: "k" } } }, /spec\.backend needs one of/],
  [
    "a local backend without a volume",
    {},
    { repository: { backend: { local: { mountPath: "/backups" } } } },
    /needs one volume beside mountPath/,
  ],
  [
    "a local backend that is removed",
    {},
    { repository: { backend: { local: { mountPath: "/b", emptyDir: {} } } } },
    /removed with its Pod/,
  ],
  [
    "a claim of another namespace",
    { repository: { name: "vault", namespace: "cellar" } },
    { repository: { backend: { local: claim } }, place: { namespace: "cellar", name: "vault" } },
    /is a claim of namespace "cellar", and the Pod runs in "shop"/,
  ],
  ["no Task anywhere", { task: undefined }, {}, /No Task is named for this backup/],
])("%s is refused, by name", (_, spec, parts, message) => {
  expect(() => judge(spec, parts)).toThrow(message);
  expect(() => judge(spec, parts)).toThrow(ParameterError);
});

test.each<[string, Fields, Parts]>([
  ["tags alone", policy({ keepTags: ["gold"] }), {}],
  ["yearly alone", policy({ keepYearly: 1 }), {}],
  ["a schedule that only the server can judge", { schedule: "@every 1h" }, {}],
  ["a schedule that never fires", { schedule: "0 0 31 2 *" }, {}],
  ["a time limit", { timeOut: "1h30m", retryConfig: { maxRetry: 2, delay: "0s" } }, {}],
  ["hooks without a hook", { hooks: {} }, {}],
  [
    "an account for a target elsewhere",
    { target: { ref: { ...ref, namespace: "carts" } }, runtimeSettings: { pod: { serviceAccountName: "mine" } } },
    {},
  ],
  ["a claim beside it", {}, { repository: { backend: { storageSecretName: "k", local: claim } } }],
  ["a Task of the AppBinding", { task: undefined }, { binding: { parameters: { stash: { addon: { backupTask: { name: "t" } } } } } }],
])("%s is right", (_, spec, parts) => {
  expect(judge(spec, parts)).toMatchObject({ origin: 'BackupConfiguration "shop/nightly"' });
});

test("what is not there yet is judged later", () => {
  const parsed = parseObject("BackupConfiguration", backupConfiguration({ task: undefined }), { name: "nightly" });

  expect(judgeConfiguration(parsed, { repository: undefined, appBinding: undefined })).toMatchObject({ repository: VAULT });
});
