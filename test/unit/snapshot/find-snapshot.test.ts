import { findSnapshot } from "../../../runner/snapshot/find-snapshot.ts";
import { listSnapshots } from "../../../runner/snapshot/list-snapshots.ts";
import { MemoryStore } from "../../../runner/storage/memory-store.ts";
import { FaultyStore } from "./faulty-store.ts";
import { head, makeBucket, onStore, type TakeOptions, takeSnapshot } from "./snapshot-parts.ts";

const empty = await makeBucket();
const target = head.target;
const other = { ...target, name: "other" };

/** Snapshots one second apart, on a copy of the empty repository. */
async function withSnapshots(...heads: TakeOptions["head"][]) {
  const objects = new Map(empty.objects);
  const repository = onStore(empty.repository, new MemoryStore({ bucket: objects }));
  const ids: string[] = [];
  for (const [second, changes] of heads.entries()) {
    const now = () => new Date(Date.UTC(2030, 0, 1, 0, 0, second));
    ids.push((await takeSnapshot(repository, {}, { now, ...(changes === undefined ? {} : { head: changes }) })).id);
  }
  return { objects, repository, ids };
}

function damage(objects: Map<string, Uint8Array>, id: string | undefined): string {
  const key = `holdfast/snapshots/${id}.manifest`;
  const bytes = Buffer.from(objects.get(key) as Uint8Array);
  bytes[20] = (bytes[20] as number) ^ 1;
  objects.set(key, bytes);
  return key;
}

test("an empty repository has no latest snapshot", async () => {
  const { repository } = await withSnapshots();

  await expect(findSnapshot(repository, { id: "latest" })).rejects.toMatchObject({ exitCode: 10 });
});

test("latest is the newest of the target that is asked for", async () => {
  const { repository, ids } = await withSnapshots({}, {}, { target: other }, { engine: "elasticsearch" }, { host: "host-1" });

  const latest = await findSnapshot(repository, { id: "latest", engine: "redis", target, host: "host-0" });

  expect(latest.id).toBe(ids[1]);
  await expect(findSnapshot(repository, { id: "latest", host: "host-9" })).rejects.toMatchObject({ exitCode: 10 });
});

test.each([
  ["target", { target: other }],
  ["engine", { engine: "elasticsearch" }],
  ["host", { host: "host-1" }],
])("latest is refused, with the candidates, when it could be of more than one %s", async (_, changes) => {
  const { repository, ids } = await withSnapshots({}, {}, changes);

  const finding = findSnapshot(repository, { id: "latest" });

  await expect(finding).rejects.toMatchObject({ exitCode: 2, message: expect.stringContaining(ids[1] as string) });
  await expect(finding).rejects.toThrow(ids[2] as string);
  await expect(finding).rejects.not.toThrow(ids[0] as string);
});

test("without a selector latest is the newest when all snapshots are of one target", async () => {
  const { repository, ids } = await withSnapshots({}, {});

  expect((await findSnapshot(repository, { id: "latest" })).id).toBe(ids[1]);
});

test.each([{}, { engine: "redis", target, host: "host-0" }])(
  "a damaged newest manifest fails latest, and the newest good one is named",
  async (selector) => {
    const { repository, objects, ids } = await withSnapshots({}, {}, {});
    const key = damage(objects, ids[2]);

    const finding = findSnapshot(repository, { id: "latest", ...selector });

    await expect(finding).rejects.toMatchObject({
      exitCode: 3,
      message: expect.stringContaining(key),
      hint: expect.stringContaining(ids[1] as string),
    });
  },
);

test("an older damaged manifest is named, and does not keep the latest from being found", async () => {
  const { repository, objects, ids } = await withSnapshots({}, {}, {});
  const key = damage(objects, ids[0]);
  const warnings: string[] = [];

  const latest = await findSnapshot(repository, { id: "latest" }, { warn: (_, message) => warnings.push(message) });

  expect(latest.id).toBe(ids[2]);
  expect(warnings).toEqual([expect.stringContaining(key)]);
});

test("an id finds its snapshot, of any target, but not of another engine", async () => {
  const { repository, objects, ids } = await withSnapshots({}, { target: other });
  const id = ids[0] as string;

  expect((await findSnapshot(repository, { id, engine: "redis", target: other })).id).toBe(id);
  await expect(findSnapshot(repository, { id, engine: "elasticsearch" })).rejects.toMatchObject({ exitCode: 2 });
  await expect(findSnapshot(repository, { id: "20300101T000000Z-ffffffff" })).rejects.toMatchObject({ exitCode: 10 });
  for (const text of ["../../config", "latest ", "", `${id}.manifest`]) {
    await expect(findSnapshot(repository, { id: text })).rejects.toMatchObject({ exitCode: 2 });
  }
  damage(objects, id);
  await expect(findSnapshot(repository, { id })).rejects.toMatchObject({ exitCode: 3 });
});

test("a snapshot is found by the last 8 digits of its id, by fewer, and by the beginning of its id", async () => {
  const { repository, ids } = await withSnapshots({}, {});
  const [, id] = ids as [string, string];
  const digits = id.slice(-8);

  for (const text of [digits, digits.slice(0, 6), id.slice(0, -1), id.slice(0, 16)]) {
    expect((await findSnapshot(repository, { id: text })).id).toBe(id);
  }
  for (const text of ["fffff00f", "20310101T000000Z"]) {
    await expect(findSnapshot(repository, { id: text })).rejects.toMatchObject({ exitCode: 10, message: expect.stringContaining(text) });
  }
  for (const text of ["abc", digits.toUpperCase().replace(/^./, "G"), `${digits},${digits}`, `-${digits}`, "2030*"]) {
    await expect(findSnapshot(repository, { id: text })).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringContaining("Invalid"),
    });
  }
});

test("what could be several snapshots' id is refused with their ids", async () => {
  const { repository, ids } = await withSnapshots({}, {});

  const finding = findSnapshot(repository, { id: "20300101T" });

  await expect(finding).rejects.toMatchObject({ exitCode: 2, facts: { candidates: ids } });
  await expect(finding).rejects.toThrow(ids.join(", "));
});

test("when no snapshot is the target's own, nobody else's is taken, and what is there is named (D13)", async () => {
  const { repository, ids } = await withSnapshots({ target: other }, { target: other }, { host: "host-1" });

  const finding = findSnapshot(repository, { id: "latest", engine: "redis", target, host: "host-0" });

  await expect(finding).rejects.toMatchObject({
    exitCode: 10,
    hint: expect.stringMatching(new RegExp(`demo/other host host-0: ${ids[1]}; redis AppBinding demo/sample host host-1: ${ids[2]}`)),
  });
});

test("a list holds all good snapshots in order and all damaged ones by name", async () => {
  const { repository, objects, ids } = await withSnapshots({}, { target: other }, {}, {});
  const key = damage(objects, ids[2]);

  const { manifests, damaged } = await listSnapshots(repository);

  expect(manifests.map(({ id }) => id)).toEqual([ids[0], ids[1], ids[3]]);
  expect(damaged).toEqual([{ key, problem: expect.stringContaining("signature does not fit") }]);
});

test("keys that are not ours are neither listed nor read", async () => {
  const { repository, objects, ids } = await withSnapshots({});
  const strange = ["README", "latest.manifest", `${ids[0]}.manifest.bak`, `${ids[0]}-1.manifest`, "x/20300101T000000Z-00000000.manifest"];
  for (const name of strange) objects.set(`holdfast/snapshots/${name}`, Buffer.from("x"));
  objects.set("snapshots/20400101T000000Z-00000000.manifest", Buffer.from("x"));
  const store = new FaultyStore(repository.store, () => undefined);

  const { manifests, damaged } = await listSnapshots(onStore(repository, store));

  expect([manifests.map(({ id }) => id), damaged]).toEqual([ids, []]);
  expect(store.operations.filter(({ verb }) => verb === "get").map(({ key }) => key)).toEqual([`holdfast/snapshots/${ids[0]}.manifest`]);
});

test("a store that fails is a failure, not a damaged manifest", async () => {
  const { repository } = await withSnapshots({});
  const failing = onStore(repository, new FaultyStore(repository.store, ({ verb }) => (verb === "get" ? "fail" : undefined)));

  await expect(listSnapshots(failing)).rejects.toMatchObject({ exitCode: 30 });
  await expect(findSnapshot(failing, { id: "latest" })).rejects.toMatchObject({ exitCode: 30 });
});
