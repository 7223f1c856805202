import type { WatchedKind } from "../../../../operator/kinds.ts";
import { judgeHealth } from "../../../../operator/serve/judge-health.ts";
import { ClusterRefusedError, ClusterUnavailableError } from "../../../../runner/errors.ts";
import { FakeClock } from "../../../fakes/fake-clock.ts";
import { MemoryObjectsApi } from "../../../fakes/memory-objects-api.ts";

interface Watched {
  isSynced: boolean;
  lastContactMs: number | undefined;
}

function judging(...watched: readonly Watched[]) {
  const clock = new FakeClock();
  const api = new MemoryObjectsApi({ clock });
  const kinds: readonly WatchedKind[] = ["Job", "Pod", "BackupBatch"];
  const reflectors = new Map(watched.map((each, index) => [kinds[index] as WatchedKind, each]));
  return { clock, api, health: judgeHealth({ reflectors, api, clock, settings: { namespace: "backups" } }) };
}

const heard = (lastContactMs: number | undefined, isSynced = true): Watched => ({ isSynced, lastContactMs });

test("it is ready once every kind is in memory", () => {
  const pods = heard(undefined, false);
  const { health } = judging(heard(0), pods);
  const before = health.unready();

  pods.isSynced = true;

  expect(before).toBe("not yet in memory: Pod");
  expect(health.unready()).toBeUndefined();
});

test("a kind that was not heard of for more than five minutes makes it sick, if the server answers", async () => {
  const { clock, health } = judging(heard(0), heard(1));
  await clock.advance(300_000);
  const before = await health.sick();

  await clock.advance(1);

  expect(before).toBeUndefined();
  expect(await health.sick()).toBe("nothing heard for 300 s of Job, although the server answers");
});

test("a kind that is only refused need not be there, and is watched over once it is", async () => {
  const batches = heard(undefined, false);
  const { clock, health } = judging(heard(300_001), heard(300_001), batches);
  await clock.advance(300_001);
  const before = [health.unready(), await health.sick()];

  batches.isSynced = true;

  expect(before).toEqual([undefined, undefined]);
  expect(await health.sick()).toContain("of BackupBatch,");
});

test("a kind that was never heard of has its five minutes from the start", async () => {
  const { clock, health } = judging(heard(undefined, false));
  await clock.advance(300_000);
  const before = await health.sick();

  await clock.advance(1);

  expect(before).toBeUndefined();
  expect(await health.sick()).toContain("Job");
});

test("while all is heard of nobody is asked", async () => {
  const { clock, api, health } = judging(heard(400_000));
  await clock.advance(500_000);

  expect(await health.sick()).toBeUndefined();

  expect(api.calls.get).toBe(0);
});

test.each<[string, Error, boolean]>([
  ["a server that is away", new ClusterUnavailableError("connection refused"), false],
  ["a server that says no", new ClusterRefusedError("you may not get leases", { reason: "Forbidden" }), true],
])("with a silent watch and %s it is for the better or not to start anew", async (_, error, isSick) => {
  const { clock, api, health } = judging(heard(0));
  await clock.advance(400_000);
  api.failNext(error, { verb: "get" });

  expect((await health.sick()) !== undefined).toBe(isSick);
});
