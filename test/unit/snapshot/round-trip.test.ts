import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { findSnapshot } from "../../../runner/snapshot/find-snapshot.ts";
import { openRepository } from "../../../runner/snapshot/repository.ts";
import { startSnapshot } from "../../../runner/snapshot/write-snapshot.ts";
import { head, makeBucket, passphrase, readBack, result, takeSnapshot } from "./snapshot-parts.ts";

const signal = new AbortController().signal;

test("a committed snapshot reads back equal, by another process that knows only the passphrase", async () => {
  const { repository, objects } = await makeBucket();
  const large = randomBytes(20 * 1024 * 1024);
  await takeSnapshot(repository, { "dump.rdb": large, "indices/0001/shard-0": Buffer.from("one line\n"), empty: Buffer.alloc(0) });

  const opened = await openRepository(repository.store, { passphrase, warn: (...warning) => expect(warning).toEqual([]) });
  const manifest = await findSnapshot(opened, { id: "latest" });

  expect((await readBack(opened, manifest, "dump.rdb")).equals(large)).toBe(true);
  expect((await readBack(opened, manifest, "indices/0001/shard-0")).toString()).toBe("one line\n");
  expect(await readBack(opened, manifest, "empty")).toHaveLength(0);
  expect(manifest).toMatchObject({ engine: "redis", facts: { keys: 3 }, parameters: { password: "[redacted]" } });
  expect([...objects.keys()].filter((key) => key.startsWith("holdfast/leases/"))).toEqual([]);
});

test("any writes, frame borders and object borders read back identical", async () => {
  const { repository } = await makeBucket();
  const step = fc.oneof(
    fc.uint8Array({ maxLength: 3000 }).map((bytes) => ({ bytes })),
    fc.record({ bytes: fc.nat(60_000).map((length) => randomBytes(length)) }),
    fc.constant("endFrame" as const),
  );

  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 12 }),
      fc.integer({ min: 3000, max: 100_000 }),
      fc.nat(100_000),
      async (steps, frameBytes, objectBytes) => {
        await using snapshot = await startSnapshot(repository, head, { signal, objectBytes });
        const stream = snapshot.stream("s", { mediaType: "x", frameBytes });
        for (const one of steps) await (one === "endFrame" ? stream.endFrame() : stream.write(one.bytes));
        await stream.finish({ count: steps.length, digest: "abc" });
        const manifest = await snapshot.commit(result);

        const expected = Buffer.concat(steps.flatMap((one) => (one === "endFrame" ? [] : [one.bytes])));
        expect((await readBack(repository, manifest, "s")).equals(expected)).toBe(true);
        expect(manifest.streams).toMatchObject([{ name: "s", rawBytes: expected.length, count: steps.length, digest: "abc" }]);
      },
    ),
    { numRuns: 40 },
  );
});
