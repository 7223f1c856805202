import type { ChangeMetadata, ChangeStatus } from "../../../../operator/action.ts";
import { changeMetadata, changeStatus, stopJob } from "../../../../operator/apply/change-object.ts";
import { identityOf, type LiveObject, type WantedObject } from "../../../../operator/objects.ts";
import { ClusterUnavailableError } from "../../../../runner/errors.ts";
import type { StatusChange } from "../../../../runner/kubernetes/cluster.ts";
import { applying, configuration, PLACE } from "./apply-cases.ts";

function statusOf(object: LiveObject, change: StatusChange): ChangeStatus {
  return { do: "status", kind: "BackupConfiguration", object: identityOf(object), change };
}

function metadataOf(object: LiveObject, change: (live: LiveObject) => LiveObject): ChangeMetadata {
  return { do: "metadata", kind: "BackupConfiguration", object: identityOf(object), change };
}

const held = (live: LiveObject): LiveObject => ({ ...live, metadata: { ...live.metadata, finalizers: ["stash.appscode.com"] } });

test("a status is made of the one that the server has, and written alone", async () => {
  const { api, parts } = applying();
  const old = api.put(configuration());
  api.putStatus("BackupConfiguration", PLACE, { phase: "NotReady", count: 1 });

  const written = await changeStatus(
    statusOf(old, (status) => ({ ...status, phase: "Ready", left: undefined })),
    parts,
  );

  expect(written).toMatchObject({ status: { phase: "Ready", count: 1 } });
  expect(api.writes.map(({ verb }) => verb)).toEqual(["replaceStatus"]);
});

test("what changes nothing is not written", async () => {
  const { api, parts } = applying();
  const object = api.put(configuration());

  const outcomes = [
    await changeStatus(
      statusOf(object, (status) => status),
      parts,
    ),
    await changeStatus(
      statusOf(object, () => ({ left: undefined })),
      parts,
    ),
    await changeStatus(
      statusOf(object, () => ({})),
      parts,
    ),
    await changeMetadata(
      metadataOf(object, (live) => ({ ...live })),
      parts,
    ),
  ];

  expect(outcomes).toEqual([undefined, undefined, undefined, undefined]);
  expect(api.writes).toEqual([]);
});

test.each<[string, (api: ReturnType<typeof applying>["api"]) => void]>([
  ["is gone", (api) => api.delete("BackupConfiguration", PLACE)],
  [
    "is another one by now",
    (api) => {
      api.delete("BackupConfiguration", PLACE);
      api.put(configuration());
    },
  ],
])("an object that %s is not written", async (_, happens) => {
  const { api, parts } = applying();
  const object = api.put(configuration());
  happens(api);

  expect(
    await changeStatus(
      statusOf(object, () => ({ phase: "Ready" })),
      parts,
    ),
  ).toBe("gone");
  expect(await changeMetadata(metadataOf(object, held), parts)).toBe("gone");

  expect(api.writes).toEqual([]);
});

test("one that goes after the look is not written", async () => {
  const { api, parts } = applying();
  const object = api.put(configuration());
  api.beforeWrite(() => api.delete("BackupConfiguration", PLACE));

  expect(
    await changeStatus(
      statusOf(object, () => ({ phase: "Ready" })),
      parts,
    ),
  ).toBe("gone");
});

test("a conflict makes the change anew, of what stands there then", async () => {
  const { api, parts } = applying();
  const object = api.put(configuration());
  api.beforeWrite(({ index }) => {
    if (index < 2) api.putStatus("BackupConfiguration", PLACE, { others: index });
  });

  const written = await changeStatus(
    statusOf(object, (status) => ({ ...status, phase: "Ready" })),
    parts,
  );

  expect(written).toMatchObject({ status: { others: 1, phase: "Ready" } });
  expect(api.writes).toHaveLength(3);
});

test("an object that others never stop changing is tried again later", async () => {
  const { api, parts } = applying();
  const object = api.put(configuration());
  api.beforeWrite(({ index }) => void api.putStatus("BackupConfiguration", PLACE, { others: index }));

  await expect(
    changeStatus(
      statusOf(object, (status) => ({ ...status, phase: "Ready" })),
      parts,
    ),
  ).rejects.toBeInstanceOf(ClusterUnavailableError);

  expect(api.writes).toHaveLength(10);
});

test("a change that throws writes nothing, and says why", async () => {
  const { api, parts } = applying();
  const object = api.put(configuration());
  const refuse = () => {
    throw new ClusterUnavailableError("somebody else has begun it");
  };

  await expect(changeStatus(statusOf(object, refuse), parts)).rejects.toThrow("somebody else has begun it");
  await expect(changeMetadata(metadataOf(object, refuse), parts)).rejects.toThrow("somebody else has begun it");

  expect(api.writes).toEqual([]);
});

test("metadata is changed without the status", async () => {
  const { api, parts } = applying();
  const object = api.put({ ...configuration(), status: { phase: "Ready" } });

  const written = await changeMetadata(
    metadataOf(object, (live) => ({ ...held(live), status: { phase: "NotReady" } })),
    parts,
  );

  expect(written).toMatchObject({ metadata: { finalizers: ["stash.appscode.com"] }, status: { phase: "Ready" } });
});

const job: WantedObject = { apiVersion: "batch/v1", kind: "Job", metadata: { ...PLACE }, spec: { backoffLimit: 0 } };

test("a Job that runs is given a deadline that has passed, once", async () => {
  const { api, parts } = applying();
  const running = api.put({ ...job, status: { active: 1, conditions: [{ type: "Complete", status: "False" }] } });

  const stopped = await stopJob({ do: "stop", job: identityOf(running) }, parts);
  const again = await stopJob({ do: "stop", job: identityOf(running) }, parts);

  expect(stopped).toMatchObject({ spec: { backoffLimit: 0, activeDeadlineSeconds: 1 } });
  expect(again).toBeUndefined();
});

test.each(["Complete", "Failed"])("a Job that is %s is left alone", async (type) => {
  const { api, parts } = applying();
  const finished = api.put({ ...job, status: { conditions: [{ type, status: "True" }] } });

  expect(await stopJob({ do: "stop", job: identityOf(finished) }, parts)).toBeUndefined();

  expect(api.writes).toEqual([]);
});

test("a status is written from the object as it is known, without another look", async () => {
  const { api, parts } = applying();
  const known = api.put(configuration());

  const written = await changeStatus(
    statusOf(known, (status) => ({ ...status, phase: "Ready" })),
    { ...parts, known },
  );

  expect(written).toMatchObject({ status: { phase: "Ready" } });
  expect(api.calls.get).toBe(0);
});

test.each<[string, StatusChange]>([
  ["has another version by now", (status) => ({ ...status, phase: "Ready" })],
  ["would not be changed", (status) => (status.count === undefined ? status : { ...status, phase: "Ready" })],
  [
    "cannot be changed",
    (status) => {
      if (status.count === undefined) throw new Error("There is no count");
      return { ...status, phase: "Ready" };
    },
  ],
])("a status whose object, as it is known, %s is made of the one that the server has", async (_what, change) => {
  const { api, parts } = applying();
  const known = api.put(configuration());
  api.putStatus("BackupConfiguration", PLACE, { count: 1 });

  const written = await changeStatus(statusOf(known, change), { ...parts, known });

  expect(written).toMatchObject({ status: { phase: "Ready", count: 1 } });
});

test("a status is not written over a namesake of the object that is known", async () => {
  const { api, parts } = applying();
  const known = api.put(configuration());
  api.delete("BackupConfiguration", PLACE);
  api.put(configuration());

  const written = await changeStatus(
    statusOf(known, (status) => ({ ...status, phase: "Ready" })),
    { ...parts, known },
  );

  expect(written).toBe("gone");
  expect(api.peek("BackupConfiguration", PLACE)?.status).toBeUndefined();
});
