import { randomBytes } from "node:crypto";
import { Decrypter, Encrypter } from "age-encryption";
import { Secret } from "../../../runner/secret.ts";
import { decrypt, encrypt, fromArmor, generateIdentity, lock, recipientOf, toArmor, unlock } from "../../../runner/snapshot/encryption.ts";

const CHUNK = 64 * 1024;
const BORDERS = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 17, 16 * CHUNK, 16 * CHUNK + 1, 33 * CHUNK];
const identity = await generateIdentity();
const recipient = await recipientOf(identity);

async function collect(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const piece of pieces) parts.push(Uint8Array.from(piece));
  return Buffer.concat(parts);
}

async function* cut(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let offset = 0; offset < bytes.length; offset += size) yield bytes.subarray(offset, offset + size);
}

/** The file, cut so that its payload keeps this many bytes. */
function keepPayload(file: Buffer, bytes: number): Buffer {
  const header = file.indexOf("\n", file.indexOf("\n--- ") + 1) + 1;
  return file.subarray(0, header + 16 + bytes);
}

test.each(BORDERS)("a file of %i bytes reads back, however it was cut into pieces", async (length) => {
  const plain = randomBytes(length);

  for (const size of [CHUNK, 1000, 100_003]) {
    const file = await collect(encrypt(recipient, cut(plain, size)));

    expect((await collect(decrypt(identity, cut(file, 77_777)))).equals(plain)).toBe(true);
    expect((await collect(decrypt(identity, cut(file, 1009)))).equals(plain)).toBe(true);
  }
});

test.each(BORDERS)("the age library reads our file of %i bytes, and we read its file", async (length) => {
  const plain = randomBytes(length);
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity.reveal());
  const encrypter = new Encrypter();
  encrypter.addRecipient(recipient);

  const theirs = Buffer.from(await encrypter.encrypt(new Uint8Array(plain)));
  const ours = await collect(encrypt(recipient, [plain]));

  expect(Buffer.from(await decrypter.decrypt(new Uint8Array(ours))).equals(plain)).toBe(true);
  expect((await collect(decrypt(identity, cut(theirs, 5000)))).equals(plain)).toBe(true);
});

test("memory of a piece may be reused as soon as the next piece is asked for", async () => {
  const memory = Buffer.alloc(100_000);
  async function* reused() {
    for (const value of [1, 2, 3]) yield memory.fill(value);
  }

  const file = await collect(encrypt(recipient, reused()));

  const plain = await collect(decrypt(identity, cut(file, CHUNK)));
  expect(plain.equals(Buffer.concat([1, 2, 3].map((value) => Buffer.alloc(100_000, value))))).toBe(true);
});

test.each([
  ["exactly between two chunks", CHUNK + 16],
  ["within a chunk", CHUNK + 100],
  ["within the tag", CHUNK + 5],
  ["before the first chunk", 0],
  ["by its last byte", 2 * CHUNK + 32 - 1],
])("a file that is cut %s does not read as a whole one", async (_, bytes) => {
  const file = await collect(encrypt(recipient, [randomBytes(2 * CHUNK)]));

  await expect(collect(decrypt(identity, cut(keepPayload(file, bytes), CHUNK)))).rejects.toThrow(/cut off/);
});

test("a file that is cut in its header does not read as an empty one", async () => {
  const file = await collect(encrypt(recipient, []));

  await expect(collect(decrypt(identity, cut(file.subarray(0, 50), 10)))).rejects.toThrow("cut off in its header");
  await expect(collect(decrypt(identity, cut(Buffer.alloc(0), 10)))).rejects.toThrow("cut off in its header");
  await expect(collect(decrypt(identity, cut(Buffer.alloc(100_000), 1000)))).rejects.toThrow("Not an age file");
});

test("every flipped bit is found, wherever it is", async () => {
  const file = await collect(encrypt(recipient, [randomBytes(CHUNK + 10)]));
  const places = [30, 60, 100, 180, 200, 210, file.length - 1, file.length - 20, file.length - 30, 40_000];

  for (const place of places) {
    const flipped = Buffer.from(file);
    flipped[place] = (flipped[place] as number) ^ 1;
    await expect(collect(decrypt(identity, cut(flipped, CHUNK)))).rejects.toThrow();
  }
});

test("bytes after the end, and chunks in another order, are found", async () => {
  const file = await collect(encrypt(recipient, [randomBytes(2 * CHUNK)]));
  const start = keepPayload(file, 0).length;
  const sealed = CHUNK + 16;
  const swapped = Buffer.concat([file.subarray(0, start), file.subarray(start + sealed), file.subarray(start, start + sealed)]);

  await expect(collect(decrypt(identity, cut(Buffer.concat([file, Buffer.from("x")]), CHUNK)))).rejects.toThrow();
  await expect(collect(decrypt(identity, cut(swapped, CHUNK)))).rejects.toThrow();
});

test("another identity does not open the file", async () => {
  const file = await collect(encrypt(recipient, [Buffer.from("text")]));

  await expect(collect(decrypt(await generateIdentity(), cut(file, 1000)))).rejects.toThrow("no identity matched");
});

test("leaving a file early lets go of its source", async () => {
  const file = await collect(encrypt(recipient, [randomBytes(3 * CHUNK)]));
  let isReleased = false;
  async function* source() {
    try {
      yield* cut(file, 1000);
    } finally {
      isReleased = true;
    }
  }

  for await (const _ of decrypt(identity, source())) break;

  expect(isReleased).toBe(true);
});

test("a passphrase opens what it locked, in the library too, and nothing else does", async () => {
  const file = await lock(new Secret("text\n"), new Secret("a passphrase"));
  const decrypter = new Decrypter();
  decrypter.addPassphrase("a passphrase");

  expect((await unlock(file, new Secret("a passphrase"))).reveal()).toBe("text\n");
  expect(await decrypter.decrypt(new Uint8Array(file), "text")).toBe("text\n");
  await expect(unlock(file, new Secret("another"))).rejects.toThrow();
  expect(fromArmor(toArmor(file)).equals(file)).toBe(true);
});

test("a key file that asks for gigabytes of memory is refused", async () => {
  const file = await lock(new Secret("text\n"), new Secret("x"));
  const greedy = Buffer.from(file.toString("latin1").replace(/^(-> scrypt \S+) 15$/m, "$1 30"), "latin1");

  await expect(unlock(greedy, new Secret("x"))).rejects.toThrow('work factor "30"');
});
