import { existsSync } from "node:fs";
import { glob } from "node:fs/promises";
import { join, relative } from "node:path";
import { ParameterError } from "../../../runner/errors.ts";
import type { Cluster } from "../../../runner/kubernetes/cluster.ts";
import { resolveDatabase } from "../../../runner/kubernetes/database-connection.ts";
import { openFileCluster } from "../../../runner/kubernetes/file-cluster.ts";
import { parseObject } from "../../../runner/kubernetes/parse-object.ts";
import { type Manifest, readManifests } from "../../../runner/kubernetes/read-manifests.ts";
import { resolveBackend } from "../../../runner/kubernetes/repository-backend.ts";
import { fixtures } from "./temporary-manifests.ts";

const root = join(import.meta.dirname, "../../..");
// A collection of other people's manifests, where there is one beside the checkout.
const collection = join(root, "../shared/samples");
const folders = [fixtures, ...(existsSync(collection) ? [collection] : [])];
const found = await Array.fromAsync(glob(folders.map((folder) => join(folder, "**/*.{yaml,yml,json}"))));
const files = found.map((file) => relative(root, file)).sort();

test.each(files)("every object of %s is read, or refused with its name", async (file) => {
  const path = join(root, file);
  const outcomes: unknown[] = [];

  const manifests = await readManifests(path).then(
    ({ all }) => all,
    (error: unknown) => {
      outcomes.push(error);
      return [];
    },
  );
  const cluster = manifests.length === 0 ? undefined : withEverySecret(await openFileCluster(path));
  for (const manifest of manifests) outcomes.push(await outcomeOf(manifest, cluster as Cluster));

  expect(outcomes.length).toBeGreaterThanOrEqual(manifests.length);
  for (const outcome of outcomes) expect(outcome === "read" || outcome instanceof ParameterError).toBe(true);
});

test("every object of our own manifests is read", async () => {
  const cluster = await openFileCluster(fixtures);
  const { all } = await readManifests(fixtures);

  const outcomes = await Promise.all(all.map(async (manifest) => [manifest.name, await outcomeOf(manifest, cluster)]));

  expect(outcomes.length).toBeGreaterThan(10);
  expect(outcomes.filter(([, outcome]) => outcome !== "read")).toEqual([]);
});

/** "read", or the error. */
async function outcomeOf({ kind, name, namespace = "shop", object }: Manifest, cluster: Cluster): Promise<unknown> {
  const options = { fromNamespace: namespace };
  try {
    if (kind === "AppBinding") await resolveDatabase(cluster, await cluster.appBinding({ namespace, name }));
    else if (kind === "Repository") await resolveBackend(cluster, await cluster.repository({ namespace, name }), options);
    else parseObject(kind, { ...object, metadata: { namespace, ...(object.metadata as object) } }, { name });
    return "read";
  } catch (error) {
    return error;
  }
}

/** Samples come without their Secrets. */
function withEverySecret(cluster: Cluster): Cluster {
  const values = new Map(["RESTIC_PASSWORD", "username", "password"].map((key) => [key, Buffer.from("sample")]));
  const secret: Cluster["secret"] = (name, options) => cluster.secret(name, options).catch(() => values);
  return Object.assign(Object.create(cluster) as Cluster, {
    secret,
    appBinding: cluster.appBinding.bind(cluster),
    repository: cluster.repository.bind(cluster),
  });
}
