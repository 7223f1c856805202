import { randomBytes } from "node:crypto";
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type BackupPlan, backUp } from "../../runner/back-up.ts";
import type { BackupFunction } from "../../runner/function.ts";
import { showSnapshots } from "../../runner/inspect.ts";
import { parseParameters } from "../../runner/parameters.ts";
import { outcomeOfBackup } from "../../runner/run-outcome.ts";
import { snapshotsParameters } from "../../runner/runner-parameters.ts";
import { findSnapshot } from "../../runner/snapshot/find-snapshot.ts";
import { forgetByIds } from "../../runner/snapshot/forget.ts";
import { measureRepository } from "../../runner/snapshot/measure-repository.ts";
import { prune } from "../../runner/snapshot/prune.ts";
import { readSnapshot } from "../../runner/snapshot/read-snapshot.ts";
import type { Repository } from "../../runner/snapshot/repository.ts";
import { verifySnapshots } from "../../runner/snapshot/verify.ts";
import { flipBit } from "../tools/flip-bit.ts";
import { makeRunCase, type RunCase } from "./run-cases.ts";
import { passphrase } from "./snapshot/snapshot-parts.ts";

/** Bytes that do not compress: sizes in the store are those of the data, and a little more. */
const SIZE = 50_000;
let run: RunCase;
let tables: Map<string, Buffer>;
/** Names of tables that were read, since the test began. */
let read: string[];
let opened: Promise<Repository> | undefined;

/** Once a test: it takes a while on purpose. */
const open = () => (opened ??= run.open());

beforeEach(async () => {
  run = await makeRunCase();
  tables = new Map(["a", "b", "c"].map((name) => [name, randomBytes(SIZE)]));
  read = [];
  opened = undefined;
});
afterEach(() => run[Symbol.asyncDispose]());

/** A database of tables, of which it reads what is not the same as in the base. */
const tablesBackup: BackupFunction = {
  ...{ kind: "backup", name: "tables-backup", engine: "tables", summary: "", parameters: {}, usesBase: true },
  async run({ snapshot }) {
    const facts = Object.fromEntries([...tables].map(([name, bytes]) => [name, bytes.toString("hex", 0, 8)]));
    for (const [name, bytes] of tables) {
      if (snapshot.base?.facts[name] === facts[name]) snapshot.reuse(name);
      else {
        read.push(name);
        const stream = snapshot.stream(name, { mediaType: "application/octet-stream" });
        await stream.write(bytes);
        await stream.finish();
      }
    }
    return {
      ...{
        server: { flavour: "tables", version: "1", id: "one" },
        consistency: {},
        facts,
        counts: { tables: tables.size },
        notCarried: [],
      },
    };
  },
};

const connection = { description: "", scheme: "x", host: "db", port: 1, path: "", tls: { verify: true }, credentials: new Map() };
const target = { namespace: "demo", kind: "AppBinding", name: "sample" };

function take(fn: BackupFunction = tablesBackup, changes: Partial<BackupPlan> = {}) {
  const repository = { location: { kind: "directory" as const, path: run.store }, options: {}, passphrase, object: undefined };
  const plan = { database: { connection, target }, repository, host: "host-0", parameters: {}, waitTimeoutMs: 0, verifyAfter: false };
  return backUp(fn, { ...plan, ...changes }, run.parts);
}

async function expectRestorable(id: string, expected: ReadonlyMap<string, Buffer>) {
  const repository = await open();
  const snapshot = readSnapshot(repository, await findSnapshot(repository, { id }));
  for (const [name, bytes] of expected) {
    const chunks: Buffer[] = [];
    for await (const chunk of snapshot.stream(name)) chunks.push(Buffer.from(chunk));
    expect(Buffer.concat(chunks).equals(bytes)).toBe(true);
  }
}

const pruneAll = async () =>
  prune(await open(), { holder: "tester", now: () => new Date(Date.now() + 48 * 3_600_000), warn: () => undefined });

test("what did not change since the newest snapshot is not read again, and everything can be restored from the new one", async () => {
  await take();
  tables.set("b", randomBytes(SIZE));
  read.length = 0;

  const { manifest } = await take();

  expect(read).toEqual(["b"]);
  await expectRestorable(manifest.id, tables);
});

test("a function that does not use a base is offered none", async () => {
  await take();
  const { usesBase: _, ...withoutBase } = tablesBackup;
  read.length = 0;

  await take(withoutBase);

  expect(read).toEqual(["a", "b", "c"]);
});

test.each<[string, Partial<BackupPlan>]>([
  ["host", { host: "other" }],
  ["target", { database: { connection, target: { ...target, name: "other" } } }],
])("a snapshot of another %s is no base", async (_, changes) => {
  await take(tablesBackup, changes);
  read.length = 0;

  await take();

  expect(read).toEqual(["a", "b", "c"]);
});

test("data of snapshots that were forgotten and pruned stay for as long as a later one has them", async () => {
  const first = await take();
  tables.set("b", randomBytes(SIZE));
  const second = await take();
  tables.set("c", randomBytes(SIZE));
  const third = await take();

  await forgetByIds(await open(), [first.manifest.id, second.manifest.id]);
  const pruned = await pruneAll();
  const fourth = await take();

  // b and c of the first; b of the second is the third's too
  expect(pruned.snapshots.map(({ id, objects }) => [id, objects])).toEqual([[first.manifest.id, 2]]);
  await expectRestorable(third.manifest.id, tables);
  await expectRestorable(fourth.manifest.id, tables);
  expect((await verifySnapshots(await open())).problems).toEqual([]);
  await forgetByIds(await open(), [third.manifest.id]);
  await pruneAll();
  await expectRestorable(fourth.manifest.id, tables);
  expect(await measureRepository(await open())).toMatchObject({ objects: 3, snapshots: 1 });
});

test("a base that lacks an object is not built upon: everything is written anew, and said so", async () => {
  const { manifest } = await take();
  rmSync(join(run.store, manifest.streams[1]?.objects[0]?.key as string));
  read.length = 0;

  const again = await take();

  expect(read).toEqual(["a", "b", "c"]);
  expect(run.warnings).toEqual([expect.stringMatching(new RegExp(`^BaseDamaged: Snapshot "${manifest.id}"`))]);
  await expectRestorable(again.manifest.id, tables);
});

test("a bit that flipped in the base is found when the new snapshot is read back, and the backup fails by name", async () => {
  const { manifest } = await take();
  const key = manifest.streams[0]?.objects[0]?.key as string;
  await flipBit(join(run.store, key));

  await expect(take(tablesBackup, { verifyAfter: true })).rejects.toMatchObject({
    exitCode: 3,
    reason: "VerificationFailed",
    facts: { problems: [expect.objectContaining({ key })] },
    hint: expect.stringContaining("Back up in full"),
  });
});

test("pruning that runs meanwhile leaves what the new snapshot names, although its base was forgotten", async () => {
  const first = await take();
  const busy: BackupFunction = {
    ...tablesBackup,
    async run(context) {
      const result = await tablesBackup.run(context);
      await forgetByIds(await open(), [first.manifest.id]);
      await prune(await open(), { holder: "tester", warn: () => undefined });
      return result;
    },
  };
  read.length = 0;

  const second = await take(busy);

  expect(read).toEqual([]);
  expect(await run.snapshots()).toEqual([second.manifest.id]);
  await expectRestorable(second.manifest.id, tables);
});

test("a base that is forgotten before the backup begins is not used", async () => {
  const { manifest } = await take();
  await forgetByIds(await open(), [manifest.id]);
  await pruneAll();
  read.length = 0;

  const again = await take();

  expect(read).toEqual(["a", "b", "c"]);
  await expectRestorable(again.manifest.id, tables);
});

describe("the numbers of a snapshot that shares objects with one before it", () => {
  test("sizes are of everything in it, and added is what was uploaded now", async () => {
    const first = await take();
    tables.set("b", randomBytes(SIZE));
    const second = await take();
    const third = await take();

    const [one, two, three] = [first, second, third].map(({ success }) => success.snapshot);
    const own = second.manifest.streams.find(({ name }) => name === "b")?.objects[0]?.storedBytes;

    expect(one).toMatchObject({ rawBytes: 3 * SIZE, addedBytes: one?.storedBytes });
    expect(two).toMatchObject({ rawBytes: 3 * SIZE, storedBytes: one?.storedBytes, addedBytes: own });
    expect(three).toMatchObject({ rawBytes: 3 * SIZE, storedBytes: one?.storedBytes, addedBytes: 0 });
  });

  test("the session's stats and the metrics tell the same", async () => {
    await take();
    tables.set("b", randomBytes(SIZE));
    const second = await take();

    const { stats, outcome } = outcomeOfBackup(second, { host: "host-0", durationMs: 1000 });

    const added = second.success.snapshot?.addedBytes ?? 0;
    expect(added).toBeGreaterThan(SIZE);
    expect(added).toBeLessThan(1.1 * SIZE);
    expect(stats.snapshots?.[0]).toMatchObject({
      totalSize: `${((3 * SIZE) / 1024).toFixed(3)} KiB`,
      uploaded: `${(added / 1024).toFixed(3)} KiB`,
      fileStats: { totalFiles: 3, newFiles: 1, modifiedFiles: 0, unmodifiedFiles: 2 },
    });
    expect(outcome).toMatchObject({ rawBytes: 3 * SIZE, addedBytes: added, files: { total: 3, new: 1, modified: 0, unmodified: 2 } });
  });

  test("the list shows both, and the repository is no larger than what lies there", async () => {
    await take();
    await take();
    const printed: string[] = [];
    const parts = { ...run.parts, print: async (text: string) => void printed.push(text) };
    const sources = { ...parts.sources, environment: { RESTIC_PASSWORD: passphrase.reveal() } };
    const parameters = parseParameters(snapshotsParameters, { flags: { store: run.store }, environment: {} });

    await showSnapshots(parameters, { ...parts, sources });

    const [header, first, second] = printed.join("").split("\n");
    const { bytes, objects } = await measureRepository(await open());
    expect(header).toMatch(/RAW +STORED +ADDED$/);
    expect(first).toMatch(/150\.0 kB +150\.\d kB +150\.\d kB$/);
    expect(second).toMatch(/150\.0 kB +150\.\d kB +0\.0 kB$/);
    expect({ objects, isAllThere: bytes > 3 * SIZE && bytes < 3.1 * SIZE }).toEqual({ objects: 3, isAllThere: true });
    expect(readdirSync(join(run.store, "holdfast/data"))).toHaveLength(1);
  });

  test("verification reads a shared object once", async () => {
    await take();
    await take();

    expect(await verifySnapshots(await open())).toMatchObject({ snapshots: 2, objects: 3, objectsRead: 3, problems: [] });
  });

  test("damage of a shared object is found once, and all snapshots that it hurts are named", async () => {
    const { manifest } = await take();
    const second = await take();
    const key = manifest.streams[0]?.objects[0]?.key as string;
    await flipBit(join(run.store, key));

    const { problems } = await verifySnapshots(await open());

    const snapshots = [manifest.id, second.manifest.id];
    expect(problems).toEqual([{ key, snapshot: second.manifest.id, snapshots, problem: expect.stringContaining("damaged") }]);
  });
});
