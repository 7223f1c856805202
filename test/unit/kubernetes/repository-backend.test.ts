import { inspect } from "node:util";
import { stringify } from "yaml";
import { ParameterError } from "../../../runner/errors.ts";
import { openFileCluster } from "../../../runner/kubernetes/file-cluster.ts";
import { resolveBackend } from "../../../runner/kubernetes/repository-backend.ts";
import { everythingOf, failureOf, fixtureSecret, fixtures, makeManifests } from "./temporary-manifests.ts";

const local = { mountPath: "/backups" };
const password = { RESTIC_PASSWORD: "canary-passphrase" };

async function resolveFixture(name: string, fromNamespace = "shop") {
  const cluster = await openFileCluster(fixtures);
  return resolveBackend(cluster, await cluster.repository({ namespace: "shop", name }), { fromNamespace });
}

interface Setting {
  readonly backend: object;
  readonly usagePolicy?: object;
  readonly values?: Readonly<Record<string, string>>;
  readonly fromNamespace?: string;
}

/** Resolves a Repository "shop/repo" whose storage Secret, "key" when the backend names it so, has these values. */
async function resolve({ backend, usagePolicy, values = password, fromNamespace = "shop" }: Setting) {
  const metadata = { name: "repo", namespace: "shop" };
  const objects = [
    {
      apiVersion: "stash.appscode.com/v1alpha1",
      kind: "Repository",
      metadata,
      spec: { backend: { storageSecretName: "key", ...backend }, usagePolicy },
    },
    { apiVersion: "v1", kind: "Secret", metadata: { name: "key", namespace: "shop" }, stringData: values },
    { apiVersion: "v1", kind: "Secret", metadata: { name: "key", namespace: "other" }, stringData: { RESTIC_PASSWORD: "wrong" } },
  ];
  await using files = await makeManifests({ "a.yaml": objects.map((object) => stringify(object)).join("---\n") });
  const cluster = await files.open();
  return await resolveBackend(cluster, await cluster.repository(metadata), { fromNamespace });
}

test("a local backend is the directory its volume is mounted at", async () => {
  const backend = await resolveFixture("cellar");

  expect(backend).toMatchObject({ location: { kind: "directory", path: "/var/backups/cellar" }, credentials: undefined, ca: undefined });
  expect(backend.passphrase.reveal()).toBe("canary-cellar-passphrase");
});

test("an S3 backend has its place, credentials and authority", async () => {
  const backend = await resolveFixture("attic", "anywhere");
  const ca = (await fixtureSecret("attic-key")).get("CA_CERT_DATA") ?? [];

  expect(backend.location).toEqual({
    kind: "s3",
    bucket: "attic-backups",
    prefix: "shop/orders",
    endpoint: "s3.example.com:9000",
    region: "eu-central-1",
    insecureTls: false,
  });
  expect(backend.ca).toBe(Buffer.from(ca).toString());
  expect(backend.credentials?.accessKeyId).toBe("ATTICKEYID");
  expect(backend.credentials?.secretAccessKey.reveal()).toBe("canary-attic-secret-key");
  expect(backend.credentials?.sessionToken).toBeUndefined();
});

test("an S3 backend without keys leaves the identity to the environment, and one with a token takes it along", async () => {
  const s3 = { bucket: "b", insecureTLS: true };
  const keys = { AWS_ACCESS_KEY_ID: "id", AWS_SECRET_ACCESS_KEY: "canary-key", AWS_SESSION_TOKEN: "canary-token" };

  const ambient = await resolve({ backend: { s3 } });
  const temporary = await resolve({ backend: { s3 }, values: { ...password, ...keys } });

  expect(ambient).toMatchObject({
    location: { prefix: "", endpoint: undefined, region: undefined, insecureTls: true },
    credentials: undefined,
  });
  expect(temporary.credentials?.sessionToken?.reveal()).toBe("canary-token");
});

test("of several backends the first in the API's order counts", async () => {
  const s3 = { bucket: "b" };

  expect((await resolve({ backend: { rest: {}, gcs: { bucket: "g" }, s3, local } })).location.kind).toBe("directory");
  expect((await resolve({ backend: { rest: {}, gcs: { bucket: "g" }, s3 } })).location.kind).toBe("s3");
});

test.each([
  ["gcs", { bucket: "b" }],
  ["azure", { container: "c" }],
  ["swift", { container: "c" }],
  ["b2", { bucket: "b" }],
  ["rest", { url: "https://canary:canary@backups.example.com" }],
])("the backend %s is refused by its name", async (name, value) => {
  const error = await failureOf(resolve({ backend: { [name]: value } }));

  expect(error).toBeInstanceOf(ParameterError);
  expect(error.message).toBe(`Repository "shop/repo": the backend ${name} is not supported yet`);
});

test.each<[string, Setting, string]>([
  ["no backend", { backend: {} }, "spec.backend needs one of local, s3,"],
  ["a relative directory", { backend: { local: { mountPath: "backups" } } }, "spec.backend.local.mountPath: expected an absolute path"],
  ["a directory that climbs", { backend: { local: { mountPath: "/a/../b" } } }, 'without ".."'],
  ["a prefix that climbs", { backend: { s3: { bucket: "b", prefix: "a/../../b" } } }, "spec.backend.s3.prefix"],
  ["a path as bucket", { backend: { s3: { bucket: "b/c" } } }, "spec.backend.s3.bucket"],
  [
    "a password in its endpoint",
    { backend: { s3: { bucket: "b", endpoint: "https://u:canary@s3" } } },
    "spec.backend.s3.endpoint must not hold",
  ],
  ["no Secret", { backend: { local, storageSecretName: null } }, "spec.backend.storageSecretName is missing"],
  ["a Secret that is not there", { backend: { local, storageSecretName: "absent" } }, 'Cannot find Secret "shop/absent"'],
  ["no passphrase", { backend: { local }, values: { OTHER: "canary" } }, 'Secret "shop/key" has no RESTIC_PASSWORD'],
  ["an empty passphrase", { backend: { local }, values: { RESTIC_PASSWORD: "" } }, 'Secret "shop/key" has no RESTIC_PASSWORD'],
  [
    "half of its keys",
    { backend: { s3: { bucket: "b" } }, values: { ...password, AWS_SECRET_ACCESS_KEY: "canary" } },
    "needs both AWS_ACCESS_KEY_ID and",
  ],
  [
    "a token alone",
    { backend: { s3: { bucket: "b" } }, values: { ...password, AWS_SESSION_TOKEN: "canary" } },
    "needs both AWS_ACCESS_KEY_ID and",
  ],
  [
    "a line break in a key",
    { backend: { s3: { bucket: "b" } }, values: { ...password, AWS_ACCESS_KEY_ID: "id", AWS_SECRET_ACCESS_KEY: "canary\n" } },
    "AWS_SECRET_ACCESS_KEY holds a space or a line break",
  ],
  [
    "an authority that is none",
    { backend: { local }, values: { ...password, CA_CERT_DATA: "canary" } },
    'Secret "shop/key": CA_CERT_DATA is not usable',
  ],
])("a Repository with %s is refused, and no value is shown", async (_, setting, message) => {
  const error = await failureOf(resolve(setting));

  expect(error).toBeInstanceOf(ParameterError);
  expect(error.message).toContain(message);
  expect(everythingOf(error)).not.toContain("canary");
});

test.each<[string, object | undefined]>([
  ["no policy", undefined],
  ["an empty policy", {}],
  ["a policy without from", { allowedNamespaces: {} }],
  ["the policy Same", { allowedNamespaces: { from: "Same" } }],
  ["the policy Selector without selector", { allowedNamespaces: { from: "Selector" } }],
])("a Repository with %s serves its own namespace only", async (_, usagePolicy) => {
  const error = await failureOf(resolve({ backend: { local }, usagePolicy, fromNamespace: "other" }));

  expect(error).toBeInstanceOf(ParameterError);
  expect(error.message).toBe('Repository "shop/repo" must not be used from namespace "other"');
  await expect(resolve({ backend: { local }, usagePolicy })).resolves.toBeDefined();
});

test("a Repository for everybody reads the Secret of its own namespace", async () => {
  const backend = await resolve({ backend: { local }, usagePolicy: { allowedNamespaces: { from: "All" } }, fromNamespace: "other" });

  expect(backend.passphrase.reveal()).toBe("canary-passphrase");
});

test("a Repository with a selector serves the namespaces whose labels fit, and asks for the Namespace object", async () => {
  await expect(resolveFixture("cellar", "warehouse")).resolves.toBeDefined();
  await expect(resolveFixture("cellar", "street")).rejects.toThrow('Cannot find Namespace "street"');
  await expect(resolveFixture("cellar", "cellar-neighbour")).rejects.toThrow('must not be used from namespace "cellar-neighbour"');
});

test("a backend that is printed shows no secret", async () => {
  for (const name of ["cellar", "attic"]) {
    const backend = await resolveFixture(name);

    expect(`${inspect(backend, { depth: Infinity, showHidden: true })} ${JSON.stringify(backend)}`).not.toContain("canary");
  }
});
