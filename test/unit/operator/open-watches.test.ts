import { WATCHED_KINDS, type WatchedKind } from "../../../operator/kinds.ts";
import { openWatches } from "../../../operator/open-watches.ts";
import { WorkQueue } from "../../../operator/watch/queue.ts";
import { ClusterRefusedError } from "../../../runner/errors.ts";
import { FakeClock, settle } from "../../fakes/fake-clock.ts";
import { MemoryObjectsApi } from "../../fakes/memory-objects-api.ts";
import { recordingLog } from "./apply/apply-cases.ts";

/** Whether all is in memory in a cluster that does not have this kind. */
async function isSyncedWithout(missing: WatchedKind): Promise<boolean> {
  const clock = new FakeClock();
  const api = new MemoryObjectsApi({ clock });
  const list: typeof api.list = async (kind, options) => {
    if (kind === missing) throw new ClusterRefusedError(`There is no ${kind}`, { reason: "NotFound" });
    return MemoryObjectsApi.prototype.list.call(api, kind, options);
  };
  api.list = list;
  const queues = new Map(WATCHED_KINDS.map((kind) => [kind, new WorkQueue({ clock })]));
  const watches = openWatches(api, { queues, clock, log: recordingLog().log });
  const stop = new AbortController();
  const watched = watches.run(stop.signal);
  let isSynced = false;
  watches.synced.then(() => {
    isSynced = true;
  });
  await settle();
  stop.abort();
  await watched;
  for (const queue of queues.values()) queue[Symbol.dispose]();
  return isSynced;
}

test.each(WATCHED_KINDS)("without %s objects in the cluster it waits, unless they are only refused", async (kind) => {
  expect(await isSyncedWithout(kind)).toBe(["BackupBatch", "RestoreBatch", "BackupBlueprint"].includes(kind));
});
