// The trigger as its pods run it: the program, with a token of its own account that holds exactly its rights, against a real API server.
import { join } from "node:path";
import { execa } from "execa";
import { triggerRules } from "../../../operator/build/trigger-rbac.ts";
import { jobAccountName } from "../../../operator/names.ts";
import type { Report } from "../../../runner/report.ts";
import type { KubernetesObject, Rule } from "../../servers/kubernetes/kubernetes-objects.ts";
import { type Kubernetes, startKubernetes } from "../../servers/kubernetes/start-kubernetes.ts";
import { backupConfiguration } from "../../unit/operator/invoker-world.ts";
import { CRDS } from "../kubernetes/crds.ts";

const PROGRAM = join(import.meta.dirname, "../../../holdfast");
const MINUTES = Math.floor(Date.now() / 60_000);
const STASH = "stash.appscode.com/v1beta1";

let server: Kubernetes;

beforeAll(async () => {
  // Where owners are checked, whoever says that an object goes with another one needs the right for that.
  const plugins = ["--enable-admission-plugins=OwnerReferencesPermissionEnforcement"];
  server = await startKubernetes({ crds: CRDS, arguments: plugins });
}, 1_800_000);

afterAll(() => server?.stop());

interface Outcome {
  readonly exitCode: number | undefined;
  readonly report: Pick<Report, "reason" | "message">;
  readonly sessions: readonly KubernetesObject[];
}

async function prepare(): Promise<string> {
  const namespace = await server.objects.createNamespace();
  const wanted = backupConfiguration({ retryConfig: { maxRetry: 2 } });
  await server.objects.apply({ ...wanted, metadata: { ...wanted.metadata, namespace } } as unknown as KubernetesObject);
  return namespace;
}

async function trigger(namespace: string, rules: readonly Rule[] = triggerRules("nightly")): Promise<Outcome> {
  const account = await server.objects.createServiceAccount(namespace, rules);
  const reportFile = await server.writeFile("report.json", "");
  const env = {
    PATH: process.env.PATH ?? "",
    ...{ KUBECONFIG: await server.kubeconfigFor(account.token), POD_NAMESPACE: namespace },
    ...{ HOLDFAST_JOB_NAME: `stash-trigger-nightly-${MINUTES}`, HOLDFAST_REPORT: reportFile },
  };
  const args = ["create-backupsession", "--invoker-name=nightly", "--invoker-kind=BackupConfiguration"];
  const { exitCode } = await execa(PROGRAM, args, { env, extendEnv: false, reject: false, timeout: 60_000 });
  const { default: report } = (await import(reportFile, { with: { type: "json" } })) as { default: Report };
  return { exitCode, report, sessions: await server.objects.list(STASH, "BackupSession", namespace) };
}

test("with its own rights alone it makes the session of its minute, and run again changes nothing", async () => {
  const namespace = await prepare();

  const first = await trigger(namespace);
  const again = await trigger(namespace);

  const name = `nightly-${MINUTES * 60}`;
  expect(first).toMatchObject({ exitCode: 0, report: { message: `BackupSession "${namespace}/${name}" is made` } });
  expect(again).toMatchObject({ exitCode: 0, report: { message: `BackupSession "${namespace}/${name}" was made already` } });
  expect(again.sessions).toEqual(first.sessions);
  expect(first.sessions).toMatchObject([{ metadata: { name }, spec: { invoker: { name: "nightly" }, retryLeft: 2 } }]);
}, 120_000);

test("a session of somebody else under its name fails it, and an Event on the invoker says so", async () => {
  const namespace = await prepare();
  const metadata = { namespace, name: `nightly-${MINUTES * 60}` };
  await server.objects.apply({
    apiVersion: STASH,
    kind: "BackupSession",
    metadata,
    spec: { invoker: { kind: "BackupConfiguration", name: "other" } },
  });

  expect(await trigger(namespace)).toMatchObject({ exitCode: 41, report: { reason: "NameTaken" } });

  const [event] = await server.objects.list("v1", "Event", namespace);
  expect(event).toMatchObject({
    type: "Warning",
    reason: "TriggerFailed",
    involvedObject: { kind: "BackupConfiguration", name: "nightly" },
  });
}, 120_000);

const needed = triggerRules("nightly").flatMap(({ resources, verbs }) => verbs.map((verb) => ({ verb, resource: resources[0] as string })));

test.each(needed.filter(({ verb, resource }) => resource !== "events" && !(resource === "backupsessions" && verb === "get")))(
  "without the right to $verb $resource it fails, and names the right",
  async ({ verb, resource }) => {
    const namespace = await prepare();
    const others = triggerRules("nightly").flatMap((rule) =>
      rule.resources[0] === resource
        ? [{ ...rule, verbs: rule.verbs.filter((each) => each !== verb) }].filter(({ verbs }) => verbs.length > 0)
        : [rule],
    );

    const { exitCode, report, sessions } = await trigger(namespace, others);

    expect(exitCode).toBe(41);
    expect(report).toMatchObject({ reason: "Forbidden" });
    expect(sessions).toEqual([]);
  },
  120_000,
);

test("its account is never that of the jobs, which may read Secrets", () => {
  const invoker = { kind: "BackupConfiguration", metadata: { namespace: "shop", name: "nightly" } } as never;

  expect(jobAccountName(invoker, 0)).not.toBe("stash-trigger-nightly");
});
