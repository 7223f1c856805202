import { readFileSync } from "node:fs";
import { ParameterError } from "../../../runner/errors.ts";
import { Secret } from "../../../runner/secret.ts";
import { lock, unlock } from "../../../runner/snapshot/encryption.ts";
import { openOrCreateRepository, openRepository } from "../../../runner/snapshot/repository.ts";
import { MemoryStore } from "../../../runner/storage/memory-store.ts";
import type { ObjectStore, PutOptions, PutSource } from "../../../runner/storage/object-store.ts";
import { FaultyStore } from "./faulty-store.ts";
import { makeBucket, passphrase, readBack, takeSnapshot } from "./snapshot-parts.ts";

const SETTINGS = "holdfast/repository.json";
const KEY_FILE = "holdfast/keys/1.age";
const bucket = await makeBucket();

function copy() {
  const objects = new Map(bucket.objects);
  const warnings: string[] = [];
  const warn = (reason: string, message: string) => warnings.push(`${reason}: ${message}`);
  return { objects, warnings, store: new MemoryStore({ bucket: objects }), options: { passphrase, warn } };
}

test("a new repository is two objects, and the second backup finds it", async () => {
  const { objects, store, options, warnings } = copy();

  const again = await openOrCreateRepository(store, options);

  expect([...objects.keys()].sort()).toEqual([KEY_FILE, SETTINGS]);
  expect(again).toMatchObject({ isNew: false, id: bucket.repository.id, keepsIfAbsent: true });
  expect(bucket.repository).toMatchObject({ isNew: true });
  expect(warnings).toEqual([]);
});

test("the unlocked key file is an identity file of age, and no part of it lies there in clear", async () => {
  const { objects } = copy();

  const text = (await unlock(objects.get(KEY_FILE) as Uint8Array, passphrase)).reveal();
  const stored = Buffer.concat([...objects.values()]).toString("latin1");

  expect(text).toMatch(/^(#.*\n)+AGE-SECRET-KEY-1[0-9A-Z]+\n$/);
  expect(stored).not.toContain(bucket.repository.identity.reveal());
  expect(stored).not.toContain(bucket.repository.signingKey.export({ format: "der", type: "pkcs8" }).toString("base64").slice(24));
});

test("only a backup creates a repository", async () => {
  const store = new MemoryStore();

  await expect(openRepository(store, copy().options)).rejects.toMatchObject({ exitCode: 10, reason: "RepositoryNotFound" });
  await expect(openOrCreateRepository(store, { ...copy().options, passphrase: new Secret("") })).rejects.toThrow(ParameterError);
});

test("a repository that somebody else creates while this backup looks is found", async () => {
  const { options } = copy();
  const objects = new Map<string, Uint8Array>();
  let lists = 0;
  const store = new FaultyStore(new MemoryStore({ bucket: objects }), ({ verb, key }) => {
    if (verb === "list" && key === "holdfast/keys/") lists += 1;
    if (lists === 2) for (const [name, bytes] of bucket.objects) objects.set(name, bytes);
    return undefined;
  });

  const opened = await openOrCreateRepository(store, options);

  expect(opened).toMatchObject({ isNew: false, id: bucket.repository.id });
});

test("a new repository is not locked with nothing but spaces, and a passphrase that nobody can type is warned of", async () => {
  const { options, warnings } = copy();

  const blank = openOrCreateRepository(new MemoryStore(), { ...options, passphrase: new Secret(" \n") });
  await expect(blank).rejects.toThrow(ParameterError);
  await openOrCreateRepository(new MemoryStore(), { ...options, passphrase: new Secret("from echo\n") });

  expect(warnings).toEqual([expect.stringMatching(/^PassphraseNotTypable: .*line break/)]);
});

test("a wrong passphrase is named as such, and changes nothing", async () => {
  const { objects, store, options } = copy();

  for (const open of [openRepository, openOrCreateRepository]) {
    await expect(open(store, { ...options, passphrase: new Secret("wrong") })).rejects.toMatchObject({ exitCode: 12 });
  }

  expect(objects).toEqual(bucket.objects);
});

test.each([[SETTINGS], [KEY_FILE]])("a lost %s is put back from the other object, and named", async (lost) => {
  const { objects, store, options, warnings } = copy();
  objects.delete(lost);

  const opened = await openRepository(store, options);

  expect(opened).toMatchObject({ id: bucket.repository.id, keepsIfAbsent: true });
  expect(warnings).toEqual([expect.stringMatching(new RegExp(`^RepositoryRepaired: "${lost}"`))]);
  expect([...objects.keys()].sort()).toEqual([KEY_FILE, SETTINGS]);
  expect(Buffer.from(objects.get(lost) as Uint8Array).equals(bucket.objects.get(lost) as Uint8Array)).toBe(true);
});

test("a store that refuses the repair is no reason to fail, and is named", async () => {
  const { objects, store, options, warnings } = copy();
  objects.delete(KEY_FILE);

  const opened = await openRepository(new FaultyStore(store, ({ verb }) => (verb === "put" ? "fail" : undefined)), options);

  expect(opened.id).toBe(bucket.repository.id);
  expect(warnings).toEqual([expect.stringMatching(/^RepairFailed: "holdfast\/keys\/1.age" is lost/)]);
});

test.each([[SETTINGS], [KEY_FILE]])("a damaged %s is named, left alone, and does not keep the repository shut", async (damaged) => {
  const { objects, store, options, warnings } = copy();
  objects.set(damaged, Buffer.from((objects.get(damaged) as Uint8Array).slice(0, 150)));

  const opened = await openRepository(store, options);

  expect(opened.id).toBe(bucket.repository.id);
  expect(warnings).toHaveLength(1);
  expect(objects.get(damaged)).toHaveLength(150);
});

test("both key files damaged is exit code 12, both lost is 3", async () => {
  const damaged = copy();
  const settings = JSON.parse(Buffer.from(damaged.objects.get(SETTINGS) as Uint8Array).toString());
  const other = await lock(new Secret("x"), new Secret("another"));
  damaged.objects.set(KEY_FILE, other);
  damaged.objects.set(SETTINGS, Buffer.from(JSON.stringify({ ...settings, keys: {} })));
  const lost = copy();
  lost.objects.delete(KEY_FILE);
  lost.objects.set(SETTINGS, Buffer.from("{"));

  await expect(openRepository(damaged.store, damaged.options)).rejects.toMatchObject({ exitCode: 12 });
  await expect(openRepository(lost.store, lost.options)).rejects.toMatchObject({ exitCode: 3 });
  await expect(openOrCreateRepository(lost.store, lost.options)).rejects.toMatchObject({ exitCode: 3 });
});

test.each([
  "snapshots/20300101T000000Z-00000000.manifest",
  "data/20300101T000000Z-00000000/a/000001.zst.age",
  "data/of-a-later-format",
  "keys/1.age.bak",
])("with holdfast/%s and no keys nothing is created on top", async (key) => {
  const store = new MemoryStore();
  await store.put(`holdfast/${key}`, Buffer.from("x"));

  await expect(openOrCreateRepository(store, copy().options)).rejects.toMatchObject({ exitCode: 3 });
  await expect(openRepository(store, copy().options)).rejects.toMatchObject({ exitCode: 3 });
});

test("only 'not found' counts as absent: a store that fails on any question creates nothing (R10)", async () => {
  for (let n = 0; n < 5; n++) {
    const objects = new Map<string, Uint8Array>();
    const store = new FaultyStore(new MemoryStore({ bucket: objects }), ({ index }) => (index === n ? "fail" : undefined));

    await expect(openOrCreateRepository(store, copy().options)).rejects.toMatchObject({ exitCode: 30 });

    expect(objects.size).toBe(0);
  }
});

test("two first backups at once end in one repository", async () => {
  const store = new MemoryStore();
  const warn = () => undefined;

  const both = await Promise.all([1, 2].map(() => openOrCreateRepository(store, { passphrase, warn })));

  expect(both[0]?.id).toBe(both[1]?.id);
  expect(both.filter(({ isNew }) => isNew)).toHaveLength(1);
  await takeSnapshot(both[0] as (typeof both)[0], { a: Buffer.from("x") });
});

test("a creation that ended after the key file is continued by the next backup", async () => {
  const objects = new Map<string, Uint8Array>();
  const inner = new MemoryStore({ bucket: objects });
  const store = new FaultyStore(inner, ({ verb, key }) => (verb === "put" && key === SETTINGS ? "fail" : undefined));
  await expect(openOrCreateRepository(store, copy().options)).rejects.toMatchObject({ exitCode: 30 });

  const { options, warnings } = copy();
  const adopted = await openOrCreateRepository(inner, options);

  expect(adopted.isNew).toBe(false);
  expect([...objects.keys()].sort()).toEqual([KEY_FILE, SETTINGS]);
  expect(warnings).toEqual([expect.stringContaining(SETTINGS)]);
});

test("a store that ignores ifAbsent is backed up to, with a warning and a record", async () => {
  class Careless extends MemoryStore {
    override put(key: string, source: PutSource, options: PutOptions = {}) {
      return super.put(key, source, { ...options, ifAbsent: false });
    }
  }
  const store: ObjectStore = new Careless();
  const { options, warnings } = copy();

  const created = await openOrCreateRepository(store, options);
  const opened = await openRepository(store, options);
  const manifest = await takeSnapshot(opened, { a: Buffer.from("bytes") });

  expect(warnings).toEqual([expect.stringMatching(/^StoreIgnoresIfAbsent/)]);
  expect([created.keepsIfAbsent, opened.keepsIfAbsent]).toEqual([false, false]);
  expect((await readBack(opened, manifest, "a")).toString()).toBe("bytes");
});

test("a repository of a later format is refused, not repaired", async () => {
  const { objects, store, options } = copy();
  objects.set(SETTINGS, Buffer.from(JSON.stringify({ format: 2, anything: true })));

  await expect(openRepository(store, options)).rejects.toMatchObject({ exitCode: 2, message: expect.stringContaining("format 2") });
});

test("settings of another repository over these keys are refused", async () => {
  const { objects, store, options } = copy();
  const settings = JSON.parse(Buffer.from(objects.get(SETTINGS) as Uint8Array).toString());
  objects.set(SETTINGS, Buffer.from(JSON.stringify({ ...settings, id: "0".repeat(32) })));

  await expect(openRepository(store, options)).rejects.toMatchObject({ exitCode: 3 });
});

test("the key file's format is the one that FORMAT.md shows", () => {
  const format = readFileSync(new URL("../../../runner/snapshot/FORMAT.md", import.meta.url), "utf8");

  expect(format).toContain("# signing key (ed25519): ");
  expect(format).toContain("# holdfast repository: ");
});
