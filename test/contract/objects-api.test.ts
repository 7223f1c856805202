import type { LiveObject } from "../../operator/objects.ts";
import { settle } from "../fakes/fake-clock.ts";
import { MemoryObjectsApi } from "../fakes/memory-objects-api.ts";
import { objectsApiSuite, session } from "./objects-api.ts";

objectsApiSuite("the API in memory", async () => {
  const api = new MemoryObjectsApi();
  return {
    api,
    namespace: "demo",
    otherNamespace: "shop",
    [Symbol.asyncDispose]: async () => {
      if (api.watches > 0) throw new Error(`${api.watches} watches were left behind`);
    },
  };
});

const NAME = { namespace: "demo", name: "a" };

function owned(name: string, owners: readonly LiveObject[], finalizers: readonly string[] = []) {
  const ownerReferences = owners.map(({ apiVersion, kind, metadata }) => ({ apiVersion, kind, name: metadata.name, uid: metadata.uid }));
  const metadata = { namespace: "demo", name, ownerReferences, finalizers };
  return { apiVersion: "batch/v1", kind: "Job", metadata } as unknown as LiveObject;
}

test("what owners leave behind in memory is collected, unless another owner is left or a finalizer holds it", async () => {
  const api = new MemoryObjectsApi();
  const [one, two] = [api.put(session("demo", "a")), api.put(session("demo", "b"))];
  const job = api.put(owned("both", [one, two]));
  api.put(owned("one", [one]));
  api.put(owned("grandchild", [job]));
  api.put(owned("held", [one], ["held"]));

  api.delete("BackupSession", NAME);
  await settle();
  const afterOne = api.all("Job").map(({ metadata }) => metadata.name);
  api.delete("BackupSession", { ...NAME, name: "b" });
  await settle();

  expect(afterOne).toEqual(["both", "grandchild", "held"]);
  expect(api.all("Job").map(({ metadata }) => [metadata.name, metadata.deletionTimestamp !== undefined])).toEqual([["held", true]]);
});

test("faults in memory strike where they are wanted: instead of a call, before a write, and after it", async () => {
  const api = new MemoryObjectsApi();
  api.failNext(new Error("planned"), { verb: "create", kind: "BackupSession" });

  await expect(api.create(session("demo", "a"))).rejects.toThrow("planned");
  api.beforeWrite(({ index }) => {
    if (index === 1) throw new Error("killed");
  });
  await expect(api.create(session("demo", "a"))).rejects.toThrow("killed");
  expect(api.all("BackupSession")).toEqual([]);
  api.afterWrite(() => {
    throw new Error("lost answer");
  });
  await expect(api.create(session("demo", "a"))).rejects.toThrow("lost answer");

  expect(api.all("BackupSession")).toHaveLength(1);
  expect(api.writes.map(({ verb, name }) => `${verb} ${name}`)).toEqual(["create a", "create a", "create a"]);
});

test("objects in memory cannot be changed by whoever got them", () => {
  const api = new MemoryObjectsApi();
  const object = api.put({ ...session("demo", "a"), status: { phase: "Running" } }) as unknown as { status: { phase: string } };

  expect(() => {
    object.status.phase = "Failed";
  }).toThrow(TypeError);
});
