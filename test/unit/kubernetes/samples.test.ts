import { existsSync } from "node:fs";
import { glob, readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { stringify } from "yaml";
import type { Cluster } from "../../../runner/kubernetes/cluster.ts";
import { resolveDatabase } from "../../../runner/kubernetes/database-connection.ts";
import { openFileCluster } from "../../../runner/kubernetes/file-cluster.ts";
import { parseObject } from "../../../runner/kubernetes/parse-object.ts";
import { type Manifest, parseDocuments, readManifests } from "../../../runner/kubernetes/read-manifests.ts";
import { resolveBackend } from "../../../runner/kubernetes/repository-backend.ts";
import { failureOf, fixtureSecret, fixtures, makeManifests } from "./temporary-manifests.ts";

// A collection of other people's manifests, where there is one beside the checkout.
const collection = join(import.meta.dirname, "../../../../shared/samples");
const folders = [join(fixtures, "../kubernetes"), ...(existsSync(collection) ? [collection] : [])];

// Everything that is not read, and why not: whatever is missing here has to be read.
const IGNORED = "ignored: of a kind that nobody asks for";
const refusals: Readonly<Record<string, string>> = {
  "stash/concepts/repository.yaml#1": unsupported("gcs-demo-repo", "gcs"),
  "stash/concepts/snapshot.yaml#1": IGNORED,
  "stash/elasticsearch/repository-gcs.yaml#1": unsupported("gcs-repo", "gcs"),
  "stash/misc/repositories-all-backends.yaml#5": unsupported("gcs-repo", "gcs"),
  "stash/misc/repositories-all-backends.yaml#6": unsupported("azure-repo", "azure"),
  "stash/misc/repositories-all-backends.yaml#7": unsupported("swift-repo", "swift"),
  "stash/misc/repositories-all-backends.yaml#8": unsupported("b2-repo", "b2"),
  "stash/misc/repositories-all-backends.yaml#9": unsupported("rest-repo", "rest"),
  "stash/misc/repositories-all-backends.yaml#10": unsupported("gcs-repo", "gcs"),
  "stash/redis/repository-gcs.yaml#1": unsupported("gcs-repo", "gcs"),
  "stash/synthetic/appbindings-tls-and-cluster.yaml#1": noCertificate("redis-tls"),
  "stash/synthetic/appbindings-tls-and-cluster.yaml#3": noCertificate("es-tls"),
  // What a Task's steps tell one another; no objects.
  "stash/synthetic/output-backup-failed.json#1": IGNORED,
  "stash/synthetic/output-backup-succeeded.json#1": IGNORED,
  "stash/synthetic/output-restore-succeeded.json#1": IGNORED,
};
// A file whose documents do not go together.
const refusedFiles: Readonly<Record<string, RegExp>> = {
  "stash/misc/repositories-all-backends.yaml": /^Repository "demo\/gcs-repo" stands twice in "/,
};
const certificate = await fixtureSecret("ledger-certificate");

const files = await filesOf(folders);
const documents = files.flatMap(({ name, path, text }) =>
  parseDocuments(path, text).map((object, index) => ({ place: `${name}#${index + 1}`, object })),
);

test.each(documents)("document $place is read, or refused for the reason that is known", async ({ place, object }) => {
  await using manifests = await makeManifests({ "one.yaml": stringify(object) });

  const outcome = await outcomeOf(manifests.directory);

  expect(outcome).toBe(refusals[place] ?? "read");
});

test.each(files)("file $name is loaded whole, or refused for the reason that is known", async ({ name, path, text }) => {
  const ignored = parseDocuments(path, text).filter((_, index) => refusals[`${name}#${index + 1}`] === IGNORED);
  const refusal = refusedFiles[name];

  const loading = readManifests(path);

  if (refusal !== undefined) expect((await failureOf(loading)).message).toMatch(refusal);
  else expect((await loading).all).toHaveLength(parseDocuments(path, text).length - ignored.length);
});

test("every object of our own manifests is read with its own Secrets", async () => {
  const cluster = await openFileCluster(fixtures);
  const { all } = await readManifests(fixtures);

  const outcomes = await Promise.all(all.map((manifest) => read(manifest, cluster).catch((error: Error) => error)));

  expect(outcomes.length).toBeGreaterThan(10);
  expect(outcomes.filter((outcome) => outcome !== undefined)).toEqual([]);
});

test("no reason is given for what is not there", () => {
  const places = new Set([...documents.map(({ place }) => place), ...files.map(({ name }) => name)]);
  const known = existsSync(collection) ? [...Object.keys(refusals), ...Object.keys(refusedFiles)] : [];

  expect(known.filter((place) => !places.has(place))).toEqual([]);
});

function unsupported(name: string, backend: string): string {
  return `Repository "demo/${name}": the backend ${backend} is not supported yet`;
}

function noCertificate(name: string): string {
  return `AppBinding "demo/${name}": spec.clientConfig.caBundle is not usable: it holds no PEM certificate (-----BEGIN CERTIFICATE-----)`;
}

/** "read", or why not. */
async function outcomeOf(directory: string): Promise<string> {
  const { all } = await readManifests(directory);
  const [manifest] = all;
  if (manifest === undefined) return IGNORED;
  const cluster = withEverySecret(await openFileCluster(directory));
  return read(manifest, cluster).then(
    () => "read",
    ({ message }: Error) => message,
  );
}

async function read({ kind, name, namespace = "shop", object }: Manifest, cluster: Cluster): Promise<void> {
  if (kind === "AppBinding") await resolveDatabase(cluster, await cluster.appBinding({ namespace, name }));
  else if (kind === "Repository")
    await resolveBackend(cluster, await cluster.repository({ namespace, name }), { fromNamespace: namespace });
  else parseObject(kind, { ...object, metadata: { namespace, ...(object.metadata as object) } }, { name });
}

async function filesOf(all: readonly string[]): Promise<{ name: string; path: string; text: string }[]> {
  const found = await Promise.all(
    all.map(async (folder) => {
      const paths = (await Array.fromAsync(glob(join(folder, "**/*.{yaml,yml,json}")))).sort();
      return Promise.all(paths.map(async (path) => ({ name: relative(folder, path), path, text: await readFile(path, "utf8") })));
    }),
  );
  return found.flat();
}

/** Samples come without their Secrets. */
function withEverySecret(cluster: Cluster): Cluster {
  const texts = ["RESTIC_PASSWORD", "username", "password"].map((key) => [key, Buffer.from("sample")] as const);
  const values = new Map<string, Uint8Array>([...texts, ...certificate]);
  const secret: Cluster["secret"] = (name, options) => cluster.secret(name, options).catch(() => values);
  return Object.assign(Object.create(cluster) as Cluster, {
    secret,
    appBinding: cluster.appBinding.bind(cluster),
    repository: cluster.repository.bind(cluster),
    namespaceLabels: cluster.namespaceLabels.bind(cluster),
  });
}
