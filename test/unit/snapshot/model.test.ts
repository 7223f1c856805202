import { createHash } from "node:crypto";
import { jest } from "@jest/globals";
import { decodeManifest, type Manifest } from "../../../runner/snapshot/manifest.ts";
import { DATA_PREFIX, parseManifestKey } from "../../../runner/snapshot/object-keys.ts";
import { prune } from "../../../runner/snapshot/prune.ts";
import { MemoryStore } from "../../../runner/storage/memory-store.ts";
import { seededRandom } from "../../tools/seeded-random.ts";
import { backup, forget, type ModelParts, pruneNow, type Tally } from "./model-actors.ts";
import { World } from "./model-world.ts";
import { makeBucket, onStore, readBack } from "./snapshot-parts.ts";

const STEPS = 10_000;
const HOUR = 60 * 60 * 1000;
const given = process.env.HOLDFAST_MODEL_SEED;
const seeds = given === undefined ? [1] : given.split(",").map(Number);

beforeEach(() => {
  // The world has a patience of its own, by its own clock.
  jest.spyOn(AbortSignal, "timeout").mockImplementation(() => new AbortController().signal);
  jest.useFakeTimers({
    doNotFake: [
      "Date",
      "hrtime",
      "nextTick",
      "performance",
      "queueMicrotask",
      "setImmediate",
      "clearImmediate",
      "setInterval",
      "clearInterval",
    ],
  });
});
afterEach(() => {
  jest.restoreAllMocks();
  jest.useRealTimers();
});

test.each(seeds)("whoever backs up, forgets, prunes or dies meanwhile, every listed snapshot can be restored: seed %d", async (seed) => {
  const random = seededRandom(seed);
  const world = new World(random);
  const { objects, repository } = await makeBucket();
  for (const [key, bytes] of objects) world.bucket.set(key, bytes);
  const tally: Tally = { committed: 0, reused: 0, lapsed: 0, refusedBases: 0, forgotten: 0, prunes: 0, pruned: 0, locked: 0 };
  const parts: ModelParts = { repository, random, tally, contents: new Map() };
  const check = restorability(world.bucket, repository);
  const explain = (error: unknown) =>
    new Error(`Seed ${seed} (HOLDFAST_MODEL_SEED), step ${world.steps}:\n${world.describe()}`, { cause: error });

  try {
    while (world.steps < STEPS) {
      populate(world, parts);
      await world.step();
      check();
    }
    world.isCalm = true;
    while (world.actors.length > 0) {
      await world.step();
      check();
    }
  } catch (error) {
    throw explain(error);
  }
  world.nowMs += 25 * HOUR;
  const calm = onStore(repository, new MemoryStore({ bucket: world.bucket }));
  await prune(calm, { holder: "last", now: () => new Date(world.nowMs), warn: () => undefined });
  const listed = check();

  const named = new Set(listed.flatMap(({ streams }) => streams.flatMap((stream) => stream.objects.map(({ key }) => key))));
  expect([...world.bucket.keys()].filter((key) => key.startsWith(DATA_PREFIX)).sort()).toEqual([...named].sort());
  expect([...world.bucket.keys()].filter((key) => key.startsWith("holdfast/leases/"))).toHaveLength(1);
  for (const manifest of listed) {
    for (const [name, bytes] of parts.contents.get(manifest.id) ?? []) {
      expect((await readBack(calm, manifest, name)).equals(bytes)).toBe(true);
    }
  }
  expect(Object.entries({ ...tally, crashes: world.crashes, failures: world.failures }).filter(([, count]) => count < 3)).toEqual([]);
  if (given !== undefined)
    process.stderr.write(
      `${JSON.stringify({ seed, ...tally, crashes: world.crashes, failures: world.failures, listed: listed.length, days: (world.nowMs - Date.parse("2030-01-01T00:00:00Z")) / 24 / HOUR })}\n`,
    );
});

let count = 0;

/** Three backups, two prunes and a forget are always about. */
function populate(world: World, parts: ModelParts): void {
  const kinds = { backup: [3, backup], prune: [2, pruneNow], forget: [1, forget] } as const;
  for (const [kind, [wanted, script]] of Object.entries(kinds)) {
    const there = world.actors.filter(({ name, isDead, isDone }) => name.startsWith(kind) && !isDead && !isDone).length;
    for (let n = there; n < wanted; n += 1) {
      count += 1;
      world.spawn(`${kind}-${count}`, script(parts));
    }
  }
}

/** Looks at every manifest that lies there: its objects must be there too, with the bytes that it names. */
function restorability(bucket: ReadonlyMap<string, Uint8Array>, repository: ModelParts["repository"]): () => Manifest[] {
  const manifests = new Map<Uint8Array, Manifest>();
  const hashes = new Map<Uint8Array, string>();
  const hashOf = (bytes: Uint8Array): string => {
    const hash = hashes.get(bytes) ?? createHash("sha256").update(bytes).digest("hex");
    hashes.set(bytes, hash);
    return hash;
  };
  return () => {
    const listed: Manifest[] = [];
    for (const [key, bytes] of bucket) {
      const id = parseManifestKey(key);
      if (id === undefined) continue;
      const manifest = manifests.get(bytes) ?? decodeManifest(Buffer.from(bytes), { id, repository });
      manifests.set(bytes, manifest);
      listed.push(manifest);
      for (const object of manifest.streams.flatMap(({ objects }) => objects)) {
        const stored = bucket.get(object.key);
        if (stored === undefined) throw new Error(`Snapshot "${id}" is listed, and its object "${object.key}" is gone`);
        if (hashOf(stored) !== object.sha256) throw new Error(`Snapshot "${id}" is listed, and its object "${object.key}" has other bytes`);
      }
    }
    return listed;
  };
}
