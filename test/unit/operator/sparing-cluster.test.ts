import type { LiveObject } from "../../../operator/objects.ts";
import { sparingCluster } from "../../../operator/sparing-cluster.ts";
import type { Cluster, Repository, Task } from "../../../runner/kubernetes/cluster.ts";
import { FakeClock } from "../../fakes/fake-clock.ts";

const NAME = { namespace: "demo", name: "cellar" };
const cellar: LiveObject = {
  apiVersion: "stash.appscode.com/v1alpha1",
  kind: "Repository",
  metadata: { ...NAME, uid: "1", resourceVersion: "1", creationTimestamp: "2026-11-21T00:00:00Z" },
  spec: { backend: { local: { mountPath: "/backups" } } },
};

function counting(answers: { task?: () => Promise<Task> } = {}) {
  const asked: string[] = [];
  const cluster = {
    task: (name: string) => {
      asked.push(`task ${name}`);
      return answers.task?.() ?? Promise.resolve({ metadata: { name } } as Task);
    },
    repository: ({ name }: { name: string }) => {
      asked.push(`repository ${name}`);
      return Promise.resolve({ metadata: { name } } as Repository);
    },
  };
  return { asked, cluster: cluster as unknown as Cluster };
}

test("a Repository that is in memory is not asked for; one that is not is", async () => {
  const { asked, cluster } = counting();
  const sparing = sparingCluster(cluster, { cached: (_, { name }) => (name === "cellar" ? cellar : undefined), clock: new FakeClock() });

  const known = await sparing.repository(NAME);
  await sparing.repository({ namespace: "demo", name: "other" });

  expect(known.spec.backend.local).toMatchObject({ mountPath: "/backups" });
  expect(asked).toEqual(["repository other"]);
});

test("an object in memory that is not valid is refused as one that was read", async () => {
  const bad = { ...cellar, spec: { backend: { local: { mountPath: 7 } } } };
  const sparing = sparingCluster(counting().cluster, { cached: () => bad, clock: new FakeClock() });

  await expect(sparing.repository(NAME)).rejects.toMatchObject({ name: "ParameterError", message: expect.stringContaining("demo/cellar") });
});

test("a Task is asked for once by all who want it at about the same time, and anew two seconds later", async () => {
  const clock = new FakeClock();
  const { asked, cluster } = counting();
  const sparing = sparingCluster(cluster, { cached: () => undefined, clock });

  await Promise.all([sparing.task("one"), sparing.task("one"), sparing.task("two")]);
  await clock.advance(1_999);
  await sparing.task("one");
  await clock.advance(1);
  await sparing.task("one");

  expect(asked).toEqual(["task one", "task two", "task one"]);
});

test("a Task that could not be read is asked for again at once", async () => {
  let fails = true;
  const task = async () => {
    if (fails) throw new Error("no answer");
    return { metadata: { name: "one" } } as Task;
  };
  const { asked, cluster } = counting({ task });
  const sparing = sparingCluster(cluster, { cached: () => undefined, clock: new FakeClock() });

  await expect(sparing.task("one")).rejects.toThrow("no answer");
  fails = false;
  await sparing.task("one");

  expect(asked).toEqual(["task one", "task one"]);
});
