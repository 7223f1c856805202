import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import type { ClusterEvent } from "../../runner/kubernetes/cluster.ts";
import { openFileCluster } from "../../runner/kubernetes/file-cluster.ts";
import { clusterSuite, type TestCluster, type TestObject } from "./cluster.ts";

clusterSuite("a directory of manifests", (objects) => openFiles(objects, { isDirectory: true }));
clusterSuite("a file of manifests", (objects) => openFiles(objects, { isDirectory: false }));

async function openFiles(objects: readonly TestObject[], { isDirectory }: { isDirectory: boolean }): Promise<TestCluster> {
  const directory = await mkdtemp(join(tmpdir(), "file-cluster-"));
  const file = join(directory, "objects.yaml");
  await writeFile(file, objects.map((object) => stringify(object)).join("---\n"));
  const cluster = await openFileCluster(isDirectory ? directory : file);
  return {
    cluster,
    events: (namespace) => readEvents(join(directory, "events.jsonl"), namespace),
    statusVersion: async (kind, { namespace, name }) => {
      const { ino, mtimeNs } = await stat(join(directory, `${kind}.${namespace}.${name}.status.yaml`), { bigint: true });
      return `${ino} ${mtimeNs}`;
    },
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true }),
  };
}

async function readEvents(path: string, asked: string): Promise<ClusterEvent[]> {
  const text = await readFile(path, "utf8").catch((error) => {
    if (error.code === "ENOENT") return "";
    throw error;
  });
  const lines = text.split("\n").filter((line) => line !== "");
  return lines
    .map((line) => JSON.parse(line))
    .filter(({ namespace }) => namespace === asked)
    .map(({ time: _time, namespace, name, ...event }) => ({ ...event, object: { namespace, name } }));
}
