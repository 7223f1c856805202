import { statsOfSnapshot } from "../../runner/session-snapshot.ts";
import type { Manifest } from "../../runner/snapshot/manifest.ts";
import { dataKey } from "../../runner/snapshot/object-keys.ts";

const id = "20260102T030405Z-0000000b";
const earlier = "20260101T030405Z-0000000a";

function stream(name: string, ...from: string[]): Manifest["streams"][number] {
  const objects = from.map((snapshot, index) => ({
    key: dataKey(snapshot, name, index + 1),
    rawBytes: 4096,
    storedBytes: 1000,
    sha256: "0".repeat(64),
  }));
  return { name, mediaType: "text/plain", rawBytes: 4096 * from.length, objects };
}

function manifestOf(streams: Manifest["streams"]): Pick<Manifest, "id" | "streams"> {
  return { id, streams };
}

test("a snapshot of one stream is one new file, under the stream's name", () => {
  expect(statsOfSnapshot(manifestOf([stream("dump.rdb", id, id)]), { durationMs: 61_000 })).toEqual({
    name: id,
    path: "dump.rdb",
    totalSize: "8.000 KiB",
    uploaded: "1.953 KiB",
    processingTime: "1:01",
    fileStats: { totalFiles: 1, newFiles: 1, modifiedFiles: 0, unmodifiedFiles: 0 },
  });
});

test("what an earlier snapshot has stored counts for the size and not as uploaded", () => {
  const streams = [stream("a", earlier, earlier), stream("b", earlier, id), stream("c", id), stream("d")];

  expect(statsOfSnapshot(manifestOf(streams), { durationMs: 0 })).toMatchObject({
    totalSize: "20.000 KiB",
    uploaded: "1.953 KiB",
    fileStats: { totalFiles: 4, newFiles: 2, modifiedFiles: 1, unmodifiedFiles: 1 },
  });
});
