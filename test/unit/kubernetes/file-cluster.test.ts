import { writeFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { inspect } from "node:util";
import { parse } from "yaml";
import { ParameterError } from "../../../runner/errors.ts";
import { openFileCluster } from "../../../runner/kubernetes/file-cluster.ts";
import { failureOf, makeManifests } from "./temporary-manifests.ts";

const repository = (metadata: string) => `# mine
apiVersion: stash.appscode.com/v1alpha1
kind: Repository
metadata: ${metadata}
spec: { backend: { local: { mountPath: /backups }, storageSecretName: key } }
status: { snapshotCount: 1 }
`;
const cellar = { namespace: "shop", name: "cellar" };
const statusFile = "Repository.shop.cellar.status.yaml";

test("an object without namespace is in whatever namespace is asked for", async () => {
  await using files = await makeManifests({ "a.yaml": repository("{ name: cellar }") });
  const cluster = await files.open();

  const found = await Promise.all(["shop", "other"].map((namespace) => cluster.repository({ namespace, name: "cellar" })));

  expect(found.map(({ metadata }) => metadata.namespace)).toEqual(["shop", "other"]);
});

test("one object with the namespace and one without are an error that names both files", async () => {
  await using files = await makeManifests({
    "a.yaml": repository("{ name: cellar }"),
    "b.yaml": repository("{ name: cellar, namespace: shop }"),
  });
  const cluster = await files.open();

  const error = await failureOf(cluster.repository(cellar));

  expect(error).toBeInstanceOf(ParameterError);
  expect(error.message).toContain(`in "${files.path("a.yaml")}" and in "${files.path("b.yaml")}"`);
  expect((await cluster.repository({ ...cellar, namespace: "other" })).metadata.namespace).toBe("other");
});

test("a missing object's error says what there is instead", async () => {
  await using files = await makeManifests({
    "a.yaml": `${repository("{ name: attic, namespace: shop }")}---\n${repository("{ name: roof }")}`,
  });
  const cluster = await files.open();

  await expect(cluster.repository(cellar)).rejects.toMatchObject({
    message: `Cannot find Repository "shop/cellar" in "${files.directory}"`,
    hint: 'There is "shop/attic", "roof"',
  });
  await expect(cluster.secret(cellar)).rejects.toMatchObject({ hint: "There is no Secret at all" });
});

test("an invalid object's error names its file", async () => {
  await using files = await makeManifests({ "a.yaml": repository("{ name: cellar, namespace: shop }").replace("/backups", "7") });
  const cluster = await files.open();

  await expect(cluster.repository(cellar)).rejects.toThrow(
    `Repository "shop/cellar" in "${files.path("a.yaml")}" is not valid: spec.backend.local.mountPath: expected string, received number`,
  );
});

test("a status lies beside the manifests, which stay as they are, and nothing else is left", async () => {
  const text = repository("{ name: cellar, namespace: shop }");
  await using files = await makeManifests({ "a.yaml": text });
  const cluster = await files.open();

  await cluster.updateStatus("Repository", cellar, (status) => ({ ...status, integrity: true }));

  expect(await files.names()).toEqual([statusFile, "a.yaml"]);
  expect(await files.read("a.yaml")).toBe(text);
  expect(parse(await files.read(statusFile))).toEqual({
    apiVersion: "stash.appscode.com/v1alpha1",
    kind: "Repository",
    metadata: { name: "cellar", namespace: "shop" },
    status: { snapshotCount: 1, integrity: true },
  });
});

test("a written status is read back by the next run and wins over the manifest's", async () => {
  await using files = await makeManifests({ "a.yaml": repository("{ name: cellar }") });
  await (await files.open()).updateStatus("Repository", cellar, () => ({ snapshotCount: 2 }));

  const next = await files.open();

  expect((await next.repository(cellar)).status).toEqual({ snapshotCount: 2 });
  expect((await next.repository({ ...cellar, namespace: "other" })).status).toEqual({ snapshotCount: 1 });
});

test("a change by somebody else meanwhile is not lost", async () => {
  await using files = await makeManifests({ "a.yaml": repository("{ name: cellar }") });
  const cluster = await files.open();
  const seen: unknown[] = [];

  await cluster.updateStatus("Repository", cellar, (status) => {
    seen.push(status);
    if (seen.length === 1) writeFileSync(files.path(statusFile), "status: { snapshotCount: 5 }\n");
    return { ...status, integrity: true };
  });

  expect(seen).toEqual([{ snapshotCount: 1 }, { snapshotCount: 5 }]);
  expect((await cluster.repository(cellar)).status).toEqual({ snapshotCount: 5, integrity: true });
  expect(await files.names()).toEqual([statusFile, "a.yaml"]);
});

test.each([
  ["no YAML", "a: b: c"],
  ["no status", "kind: Repository"],
  ["two documents", "status: {}\n---\nstatus: {}\n"],
  ["nothing", ""],
])("a status file with %s is an error that names it, not a status from scratch", async (_, text) => {
  await using files = await makeManifests({ "a.yaml": repository("{ name: cellar }"), [statusFile]: text });
  const cluster = await files.open();

  const update = failureOf(cluster.updateStatus("Repository", cellar, () => ({ snapshotCount: 2 })));

  expect(await update).toBeInstanceOf(ParameterError);
  expect((await update).message).toContain(files.path(statusFile));
  await expect(cluster.repository(cellar)).rejects.toThrow(files.path(statusFile));
  expect(await files.read(statusFile)).toBe(text);
});

test("names from outside never lead out of the directory", async () => {
  await using files = await makeManifests({ "a.yaml": repository('{ name: "../../escaped" }'), "b.yaml": repository("{ name: cellar }") });
  const cluster = await files.open();
  const change = () => ({ snapshotCount: 9 });

  for (const name of [
    { namespace: "shop", name: "../../escaped" },
    { namespace: "../shop", name: "cellar" },
    { namespace: "a.b", name: "cellar" },
  ]) {
    await expect(cluster.updateStatus("Repository", name, change)).rejects.toThrow(/is not valid: metadata\.name/);
  }

  expect(await files.names()).toEqual(["a.yaml", "b.yaml"]);
});

test("a status or an event that cannot be written is an error", async () => {
  const files = await makeManifests({ "a.yaml": repository("{ name: cellar }") });
  const cluster = await files.open();
  await files[Symbol.asyncDispose]();

  const event = { kind: "Repository", object: cellar, type: "Normal", reason: "Tested", message: "lost" } as const;

  await expect(cluster.updateStatus("Repository", cellar, () => ({}))).rejects.toThrow(/Cannot write status file/);
  await expect(cluster.emitEvent(event)).rejects.toThrow(/Cannot write event/);
});

test("a cluster that is printed shows no object", async () => {
  const text = "apiVersion: v1\nkind: Secret\nmetadata: { name: key }\nstringData: { password: canary }\n";
  await using files = await makeManifests({ "a.yaml": text });
  const cluster = await openFileCluster(files.directory);

  expect(inspect(cluster, { depth: Infinity, showHidden: true })).not.toContain("canary");
  expect(JSON.stringify(cluster)).not.toContain("canary");
});

test("a value that is not base64 is an error that names the key and not the value", async () => {
  const text = "apiVersion: v1\nkind: Secret\nmetadata: { name: key }\ndata: { password: canary! }\n";
  await using files = await makeManifests({ "a.yaml": text });
  const cluster = await files.open();

  const error = await failureOf(cluster.secret({ namespace: "shop", name: "key" }));

  expect(error).toBeInstanceOf(ParameterError);
  expect(error.message).toBe('Secret "shop/key" is not valid: data.password is not base64');
});

test("an edit of the manifests after the opening is not seen", async () => {
  await using files = await makeManifests({ "a.yaml": repository("{ name: cellar }") });
  const cluster = await files.open();

  await writeFile(files.path("a.yaml"), "");

  expect((await cluster.repository(cellar)).spec.backend.local?.mountPath).toBe("/backups");
});
