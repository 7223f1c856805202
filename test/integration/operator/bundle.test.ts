// The commands of deploy/README.md, with kubectl, on a real API server.
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { IMAGE, NAMESPACE } from "../../../deploy/names.ts";
import { kubectl } from "../../servers/kubernetes/kubectl.ts";
import type { KubernetesObject } from "../../servers/kubernetes/kubernetes-objects.ts";
import { type Kubernetes, startKubernetes } from "../../servers/kubernetes/start-kubernetes.ts";

const DEPLOY = join(import.meta.dirname, "../../../deploy");
const image = "registry.example/holdfast:1.0";
const bundle = (await readFile(join(DEPLOY, "holdfast.yaml"), "utf8")).replaceAll(IMAGE, image);
const objects = parseAllDocuments(bundle).map((document) => document.toJS() as KubernetesObject);
// Stash's definitions, where there are some beside the checkout.
const STASH = join(DEPLOY, "../../shared/crds");
const APPLY = ["apply", "--server-side", "--validate=strict", "--warnings-as-errors"];

let server: Kubernetes;
let printed: string;

beforeAll(async () => {
  server = await startKubernetes();
  const run = (...args: string[]) => kubectl(server.adminKubeconfig, args);
  await run(...APPLY, "-f", join(DEPLOY, "crds"));
  await run("wait", "--for=condition=Established", "--timeout=60s", "-f", join(DEPLOY, "crds"));
  printed = await kubectl(server.adminKubeconfig, [...APPLY, "-f", "-"], { input: bundle });
}, 1_800_000);

afterAll(async () => {
  await server?.stop();
});

test("kubectl applies every object, and a second time as well", async () => {
  const again = await kubectl(server.adminKubeconfig, [...APPLY, "-f", "-"], { input: bundle });

  expect(printed.split("\n").length).toBe(objects.length);
  expect(again).toBe(printed);
});

test("what was applied is what the file says", async () => {
  for (const { apiVersion, kind, metadata, spec, rules } of objects) {
    const stored = await server.objects.get({ apiVersion, kind, metadata });

    expect(stored).toMatchObject({ ...(spec === undefined ? {} : { spec }), ...(rules === undefined ? {} : { rules }) });
  }
});

const before = existsSync(STASH) ? (["Stash's", STASH] as const) : (["our", join(DEPLOY, "crds")] as const);

test.each([before])(
  "the same file is taken where %s definitions are there from before",
  async (_, crds) => {
    await using other = await startKubernetes({ crds });

    const applied = await kubectl(other.adminKubeconfig, [...APPLY, "-f", "-"], { input: bundle });

    expect(applied).toBe(printed);
  },
  180_000,
);

const deployments = objects.filter(({ kind }) => kind === "Deployment");

test.each(deployments.map(({ metadata }) => metadata.name))(
  "a pod of %s is one that Pod Security lets into its namespace",
  async (name) => {
    const answer = await server.objects.send("POST", podsOf(NAMESPACE), await podOf(name));

    expect(answer).toMatchObject({ status: 201, warning: undefined });
  },
);

test("Pod Security keeps a pod out of the namespace that asks for more", async () => {
  const pod = await podOf("holdfast");
  const { spec } = pod as { spec: object };

  const answer = await server.objects.send("POST", podsOf(NAMESPACE), { ...pod, spec: { ...spec, hostNetwork: true } });

  expect(answer).toMatchObject({ status: 403, body: { message: expect.stringContaining('violates PodSecurity "restricted') } });
});

test("the account that the operator runs as is the one that the roles are bound to", () => {
  const accounts = objects.filter(({ kind }) => kind === "ServiceAccount").map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
  const bound = objects
    .filter(({ kind }) => kind.endsWith("Binding") && !kind.startsWith("ValidatingAdmission"))
    .flatMap(({ subjects }) => subjects as { namespace: string; name: string }[]);

  expect(accounts).toEqual(["holdfast/holdfast-operator"]);
  expect(new Set(bound.map(({ namespace, name }) => `${namespace}/${name}`))).toEqual(new Set(accounts));
});

function podsOf(namespace: string): string {
  return `/api/v1/namespaces/${namespace}/pods?dryRun=All&fieldValidation=Strict`;
}

/** As the Deployment's controller would make it. */
async function podOf(deployment: string): Promise<object> {
  const metadata = { namespace: NAMESPACE, name: deployment };
  const { spec } = await server.objects.get({ apiVersion: "apps/v1", kind: "Deployment", metadata });
  const { template } = spec as { template: { metadata: object; spec: object } };
  const own = { serviceAccountName: "holdfast-operator", ...template.spec };
  return { apiVersion: "v1", kind: "Pod", metadata: { ...template.metadata, generateName: `${deployment}-` }, spec: own };
}
