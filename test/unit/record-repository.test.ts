import type { Cluster, Status } from "../../runner/kubernetes/cluster.ts";
import { parseParameters } from "../../runner/parameters.ts";
import { findRepository } from "../../runner/places.ts";
import { recordRepository, withFacts } from "../../runner/record-repository.ts";
import { snapshotsParameters } from "../../runner/runner-parameters.ts";
import { makeManifests } from "./kubernetes/temporary-manifests.ts";
import { clusterWith } from "./session-cases.ts";

const name = { namespace: "shop", name: "cellar" };
const manifest = (status: object) => ({
  "cellar.yaml": JSON.stringify({
    apiVersion: "stash.appscode.com/v1alpha1",
    kind: "Repository",
    metadata: name,
    spec: { backend: { local: { mountPath: "/backups" } } },
    status,
  }),
});

function arrange() {
  const warnings: string[] = [];
  const signal = new AbortController().signal;
  const options = { signal, warn: (reason: string, message: string) => void warnings.push(`${reason}: ${message}`) };
  return { warnings, options };
}

const statusOf = async (cluster: Cluster): Promise<Status> => (await cluster.repository(name)).status ?? {};

test("all that was found out is written as Stash writes it, beside what others wrote", async () => {
  await using files = await makeManifests(manifest({ references: [{ name: "nightly" }], observedGeneration: 3 }));
  const cluster = await files.open();
  const { options, warnings } = arrange();
  const facts = {
    ...{ integrity: true, totalBytes: 2629, snapshotCount: 5, snapshotsRemoved: 1 },
    ...{ oldest: "2026-01-01T00:00:30.500Z", lastBackup: "2026-01-05T00:00:00Z" },
  };

  const outcome = await recordRepository({ cluster, name }, facts, options);

  expect(outcome).toEqual({});
  expect(await statusOf(cluster)).toEqual({
    references: [{ name: "nightly" }],
    observedGeneration: 3,
    integrity: true,
    totalSize: "2.567 KiB",
    snapshotCount: 5,
    snapshotsRemovedOnLastCleanup: 1,
    firstBackupTime: "2026-01-01T00:00:30Z",
    lastBackupTime: "2026-01-05T00:00:00Z",
  });
  expect(warnings).toEqual([]);
});

test("a repository that is not whole is said to be so, and nothing else changes", () => {
  const status = { integrity: true, totalSize: "1 B", snapshotCount: 5, firstBackupTime: "a", lastBackupTime: "b" };

  expect(withFacts(status, { integrity: false })).toEqual({ ...status, integrity: false });
});

test("nothing found out changes nothing; 0 is something", () => {
  const status = { snapshotCount: 5, extra: 1 };

  expect(withFacts(status, {})).toEqual(status);
  expect(withFacts(status, { snapshotCount: 0, totalBytes: 0, snapshotsRemoved: 0 })).toEqual({
    ...{ extra: 1, snapshotCount: 0, totalSize: "0 B", snapshotsRemovedOnLastCleanup: 0 },
  });
});

test.each([
  ["is kept once it stands", { firstBackupTime: "2020-01-01T00:00:00Z" }, { oldest: "2026-01-01T00:00:00Z" }, "2020-01-01T00:00:00Z"],
  ["is that of the oldest snapshot", {}, { oldest: "2026-01-01T00:00:00Z", lastBackup: "2026-01-02T00:00:00Z" }, "2026-01-01T00:00:00Z"],
  ["is not after the last", {}, { oldest: "2026-01-01T00:00:20Z", lastBackup: "2026-01-01T00:00:00Z" }, "2026-01-01T00:00:00Z"],
  ["is not guessed from the last alone", {}, { lastBackup: "2026-01-02T00:00:00Z" }, undefined],
])("the time of the first backup %s", (_, status, facts, first) => {
  expect(withFacts(status, facts).firstBackupTime).toBe(first);
});

test("the event tells of it after the status is written", async () => {
  await using files = await makeManifests(manifest({}));
  const cluster = await files.open();

  await recordRepository(
    { cluster, name },
    { snapshotCount: 1 },
    { ...arrange().options, event: { reason: "SnapshotCommitted", message: "so" } },
  );

  expect(JSON.parse(await files.read("events.jsonl"))).toMatchObject({
    kind: "Repository",
    ...name,
    reason: "SnapshotCommitted",
    message: "so",
  });
});

test("without an object nothing is written", async () => {
  const { options, warnings } = arrange();

  expect(await recordRepository(undefined, { snapshotCount: 1 }, options)).toEqual({});
  expect(warnings).toEqual([]);
});

test("a status that cannot be written is a warning, and there is no event", async () => {
  await using files = await makeManifests(manifest({ snapshotCount: 7 }));
  const cluster = clusterWith(await files.open(), { updateStatus: () => Promise.reject(new Error("Away")) });
  const { options, warnings } = arrange();

  const event = { reason: "SnapshotCommitted", message: "so" };
  const outcome = await recordRepository({ cluster, name }, { snapshotCount: 1 }, { ...options, event });

  expect(outcome.error).toBeInstanceOf(Error);
  expect(warnings).toEqual(['StatusNotWritten: The status of Repository "shop/cellar" could not be written: Away']);
  expect(await statusOf(cluster)).toEqual({ snapshotCount: 7 });
  expect(await files.names()).toEqual(["cellar.yaml"]);
});

test("a Repository that was made anew while the backup ran is not told of backups in the place that the former one named", async () => {
  const object = JSON.parse(manifest({})["cellar.yaml"]);
  const storageSecret = { apiVersion: "v1", kind: "Secret", metadata: { ...name, name: "key" }, stringData: { RESTIC_PASSWORD: "canary" } };
  const backend = { local: { mountPath: "/backups", hostPath: { path: "/" } }, storageSecretName: "key" };
  const withUid = (uid: string) => JSON.stringify({ ...object, metadata: { ...name, uid }, spec: { backend } });
  await using files = await makeManifests({ "key.yaml": JSON.stringify(storageSecret), "cellar.yaml": withUid("former") });
  await using anew = await makeManifests({ "key.yaml": JSON.stringify(storageSecret), "cellar.yaml": withUid("present") });
  const { options, warnings } = arrange();
  const parameters = parseParameters(snapshotsParameters, { flags: { repository: name.name, namespace: name.namespace }, environment: {} });
  const sources = { environment: {}, remember: () => undefined, signal: options.signal, cluster: () => files.open() };
  const { object: former } = await findRepository(parameters, sources);
  const cluster = await anew.open();

  const outcome = await recordRepository(former && { ...former, cluster }, { integrity: true }, options);

  expect(outcome.error).toMatchObject({ reason: "ObjectReplaced" });
  expect(warnings).toEqual([expect.stringMatching(/^StatusNotWritten: .*"shop\/cellar"/)]);
  expect(await statusOf(cluster)).toEqual({});
});

test("an event that cannot be emitted is a warning of its own: the status is written", async () => {
  await using files = await makeManifests(manifest({}));
  const cluster = clusterWith(await files.open(), { emitEvent: () => Promise.reject(new Error("Forbidden")) });
  const { options, warnings } = arrange();

  const event = { reason: "SnapshotCommitted", message: "so" };
  await recordRepository({ cluster, name }, { snapshotCount: 1 }, { ...options, event });

  expect(warnings).toEqual(['EventNotEmitted: Cannot emit event "SnapshotCommitted" of Repository "shop/cellar": Forbidden']);
  expect(await statusOf(cluster)).toEqual({ snapshotCount: 1 });
});
