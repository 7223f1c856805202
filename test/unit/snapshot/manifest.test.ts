import { generateKeyPairSync } from "node:crypto";
import { decodeManifest, encodeManifest, type Manifest } from "../../../runner/snapshot/manifest.ts";
import { head, result } from "./snapshot-parts.ts";

const { privateKey, publicKey } = generateKeyPairSync("ed25519");
const repository = { id: "0123456789abcdef0123456789abcdef", publicKey };
const id = "20300102T030405Z-0a1b2c3d";
const base = "20300101T030405Z-0a1b2c3d";
const object = { key: `holdfast/data/${id}/a/000001.zst.age`, rawBytes: 10, storedBytes: 20, sha256: "0".repeat(64) };
const manifest: Manifest = {
  ...{ format: 1, repository: repository.id, id, previous: base },
  ...{ ...head, parameters: { x: 1 } },
  ...{ ...result, notCarried: [...result.notCarried] },
  ...{ started: "2030-01-02T03:04:05.000Z", finished: "2030-01-02T03:05:05.000Z" },
  streams: [{ name: "a", mediaType: "text/plain", rawBytes: 10, count: 1, digest: "x", objects: [object] }],
};
const encoded = encodeManifest(manifest, privateKey, publicKey);

/** Signed properly, whatever it says. */
function forge(changes: Record<string, unknown>): () => Buffer {
  return () => encodeManifest({ ...manifest, ...changes } as Manifest, privateKey, publicKey);
}
function withObject(changes: Record<string, unknown>): () => Buffer {
  return forge({ streams: [{ ...manifest.streams[0], objects: [{ ...object, ...changes }] }] });
}

test("a manifest is two lines and reads back equal", () => {
  const text = encoded.toString();

  expect(text.split("\n")).toHaveLength(3);
  expect(text).toMatch(/^\{.*\}\ned25519 MCowBQYDK2VwAyEA[A-Za-z0-9+/=]+ [A-Za-z0-9+/]{86}==\n$/);
  expect(decodeManifest(encoded, { id, repository })).toEqual(manifest);
});

test("fields that a later version adds are let through", () => {
  expect(forge({ later: { x: 1 } })).not.toThrow();
});

test("every changed byte is found", () => {
  for (let place = 0; place < encoded.length; place++) {
    const changed = Buffer.from(encoded);
    changed[place] = (changed[place] as number) ^ 1;

    expect(() => decodeManifest(changed, { id, repository })).toThrow(/Manifest/);
  }
});

test("every cut and every addition is found", () => {
  for (let length = 0; length < encoded.length; length++) {
    expect(() => decodeManifest(encoded.subarray(0, length), { id, repository })).toThrow(/Manifest/);
  }
  for (const addition of ["\n", " ", "x", encoded.toString()]) {
    expect(() => decodeManifest(Buffer.concat([encoded, Buffer.from(addition)]), { id, repository })).toThrow(/Manifest/);
  }
});

test("a manifest that another key signed is not believed, whichever key it names", () => {
  const other = generateKeyPairSync("ed25519");
  const forged = encodeManifest(manifest, other.privateKey, other.publicKey);
  const disguised = Buffer.from(forged.toString().replace(/ed25519 \S+/, encoded.toString().match(/ed25519 \S+/)?.[0] as string));

  expect(() => decodeManifest(forged, { id, repository })).toThrow("signed by another key");
  expect(() => decodeManifest(disguised, { id, repository })).toThrow("signature does not fit");
});

test("a manifest under another name, or of another repository, is not believed", () => {
  expect(() => decodeManifest(encoded, { id: base, repository })).toThrow("under another name");
  expect(() => decodeManifest(encoded, { id, repository: { ...repository, id: "f".repeat(32) } })).toThrow("belongs to repository");
});

test.each<[string, () => Buffer, RegExp]>([
  ["a later format", forge({ format: 2 }), /format 2/],
  ["no format", forge({ format: undefined }), /format undefined/],
  ["no engine", forge({ engine: undefined }), /engine/],
  ["a missing stream list", forge({ streams: undefined }), /streams/],
  ["a key that climbs out", withObject({ key: "holdfast/data/../../etc/000001.zst.age" }), /key of a data object/],
  ["a key that is not ours", withObject({ key: "config" }), /key of a data object/],
  ["a key of a later snapshot", withObject({ key: "holdfast/data/20310101T000000Z-00000000/a/000001.zst.age" }), /does not belong/],
  ["a key of another stream", withObject({ key: `holdfast/data/${id}/b/000001.zst.age` }), /does not belong/],
  ["a sequence with a gap", withObject({ key: `holdfast/data/${id}/a/000002.zst.age` }), /does not belong/],
  ["sizes that do not add up", withObject({ rawBytes: 11 }), /add up/],
  ["a negative size", withObject({ storedBytes: -1 }), /storedBytes/],
  ["a checksum of another kind", withObject({ sha256: "abc" }), /sha256/],
  ["a stream twice", forge({ streams: [manifest.streams[0], manifest.streams[0]] }), /stands twice/],
])("%s is refused, by the writer already", (_, write, problem) => {
  expect(write).toThrow(problem);
});

test("an object of an earlier snapshot may be named", () => {
  expect(withObject({ key: `holdfast/data/${base}/other/000007.zst.age` })).not.toThrow();
});
