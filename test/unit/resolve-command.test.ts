import { parseAllDocuments } from "yaml";
import { ParameterError } from "../../runner/errors.ts";
import { openFileCluster } from "../../runner/kubernetes/file-cluster.ts";
import { parseParameters } from "../../runner/parameters.ts";
import { resolveParameters, showResolvedJobs } from "../../runner/resolve-command.ts";
import { everythingOf, failureOf, makeManifests } from "./kubernetes/temporary-manifests.ts";

const objects = `
apiVersion: appcatalog.appscode.com/v1alpha1
kind: AppBinding
metadata: { name: carts, namespace: shop }
spec:
  clientConfig: { url: "redis://carts:6379" }
  parameters: { stash: { addon: { backupTask: { name: b }, restoreTask: { name: r } } } }
---
apiVersion: stash.appscode.com/v1alpha1
kind: Repository
metadata: { name: vault, namespace: shop }
spec: { backend: { s3: { bucket: vault }, storageSecretName: key } }
---
apiVersion: stash.appscode.com/v1beta1
kind: BackupConfiguration
metadata: { name: nightly, namespace: shop }
spec:
  repository: { name: vault }
  target: { ref: { kind: AppBinding, name: carts } }
  retentionPolicy: { name: keep, keepLast: 5, prune: true }
---
apiVersion: stash.appscode.com/v1beta1
kind: BackupBatch
metadata: { name: all, namespace: shop }
spec:
  repository: { name: vault }
  executionOrder: Sequential
  members:
  - { target: { alias: one, ref: { kind: AppBinding, name: carts } } }
  - { target: { alias: two, ref: { kind: AppBinding, name: carts } } }
  retentionPolicy: { name: keep, keepLast: 5, prune: true }
---
apiVersion: stash.appscode.com/v1beta1
kind: BackupSession
metadata: { name: nightly-7, namespace: shop, uid: u-7 }
spec: { invoker: { kind: BackupConfiguration, name: nightly } }
---
apiVersion: stash.appscode.com/v1beta1
kind: RestoreSession
metadata: { name: back, namespace: shop, uid: u-8 }
spec:
  repository: { name: vault }
  target: { ref: { kind: AppBinding, name: carts }, rules: [{ snapshots: [latest] }] }
---
apiVersion: stash.appscode.com/v1beta1
kind: Task
metadata: { name: b }
spec: { steps: [{ name: f }] }
---
apiVersion: stash.appscode.com/v1beta1
kind: Task
metadata: { name: r }
spec: { steps: [{ name: f }] }
---
apiVersion: stash.appscode.com/v1beta1
kind: Function
metadata: { name: f }
spec:
  image: registry.example/own:1
  args: ["\${BACKUP_SESSION:=none}", "\${RESTORE_SNAPSHOTS:=none}", "\${HOSTNAME}", "\${PROMETHEUS_PUSHGATEWAY_URL}"]
`;

async function run(flags: Readonly<Record<string, string>>) {
  await using manifests = await makeManifests({ "all.yaml": objects });
  const printed: string[] = [];
  const warnings: string[] = [];
  const parameters = parseParameters(resolveParameters, {
    flags: { namespace: "shop", "invoker-name": "nightly", ...flags },
    environment: {},
  });
  const success = await showResolvedJobs(parameters, {
    sources: { cluster: () => openFileCluster(manifests.directory) },
    signal: new AbortController().signal,
    now: () => new Date("2026-01-02T03:04:05Z"),
    warn: (reason) => warnings.push(reason),
    print: async (text) => {
      printed.push(text);
    },
  });
  return { success, warnings, text: printed.join("") };
}

const jobsOf = (text: string) => parseAllDocuments(text).map((document) => document.toJS());

test("the Job of a BackupConfiguration is printed for a new session, with a warning that nothing owns it", async () => {
  const { text, warnings, success } = await run({});

  expect(jobsOf(text)).toMatchObject([
    {
      kind: "Job",
      metadata: { name: "stash-backup-nightly-1767323045-0", namespace: "shop" },
      spec: {
        template: { spec: { containers: [{ image: "registry.example/own:1", args: ["nightly-1767323045", "none", "host-0", ""] }] } },
      },
    },
  ]);
  expect(warnings).toEqual(["NoOwner"]);
  expect(success.counts).toEqual({ jobs: 1 });
});

test("a session that exists owns the Job", async () => {
  const { text, warnings } = await run({ backupsession: "nightly-7" });

  expect(jobsOf(text)[0].metadata.ownerReferences).toMatchObject([{ kind: "BackupSession", name: "nightly-7", uid: "u-7" }]);
  expect(warnings).toEqual([]);
});

test("a session of another invoker is refused", async () => {
  const error = await failureOf(
    run({ "invoker-kind": "BackupBatch", "invoker-name": "all", "target-index": "0", backupsession: "nightly-7" }),
  );

  expect(error.message).toContain('BackupSession "shop/nightly-7" belongs to BackupConfiguration "nightly"');
});

test("a RestoreSession's Job is printed as JSON, with the image and the gateway that are asked for", async () => {
  const { text } = await run({
    "invoker-kind": "RestoreSession",
    "invoker-name": "back",
    image: "registry.example/holdfast:2",
    "pushgateway-url": "http://push:9091",
    json: "true",
  });

  expect(JSON.parse(text)).toMatchObject({
    metadata: { name: "stash-restore-back-0" },
    spec: {
      template: { spec: { containers: [{ image: "registry.example/holdfast:2", args: ["none", "latest", "", "http://push:9091"] }] } },
    },
  });
});

test("members that must run one after another are not printed together", async () => {
  const batch = { "invoker-kind": "BackupBatch", "invoker-name": "all" };

  const error = await failureOf(run(batch));
  const { text } = await run({ ...batch, "target-index": "1" });

  expect(error.message).toContain("one after another");
  expect(jobsOf(text)).toMatchObject([{ metadata: { name: "stash-backup-all-1767323045-1" } }]);
});

test("a Task that is not there is an error, and nothing is printed (R19)", async () => {
  const error = await failureOf(run({ task: "nowhere" }));

  expect(error).toMatchObject({ exitCode: 2, message: expect.stringContaining('Cannot find Task "nowhere"') });
});

test.each(["http://me:canary-77b2@push:9091", "http://canary-77b2@push:9091", "canary-77b2"])(
  "a gateway given as %s is refused and not quoted: everybody may read what is printed",
  async (url) => {
    const error = await failureOf(run({ "pushgateway-url": url }));

    expect(error).toBeInstanceOf(ParameterError);
    expect(error.message).toContain("--pushgateway-url");
    expect(everythingOf(error)).not.toContain("canary");
  },
);
