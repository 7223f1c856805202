import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { Secret } from "../../../runner/secret.ts";
import { decrypt, encrypt, generateIdentity, lock, recipientOf, unlock } from "../../../runner/snapshot/encryption.ts";
import { ensureProgram } from "../../servers/install.ts";
import { runOnTerminal } from "../../tools/pty.ts";

const CHUNK = 64 * 1024;
let age: string;
let folder: string;
const identity = await generateIdentity();
const recipient = await recipientOf(identity);

beforeAll(async () => {
  age = await ensureProgram("age");
  folder = await mkdtemp(join(tmpdir(), "holdfast-age-"));
  await writeFile(join(folder, "identity.txt"), `${identity.reveal()}\n`);
}, 300_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

async function collect(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const piece of pieces) parts.push(Uint8Array.from(piece));
  return Buffer.concat(parts);
}

test.each([0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 5 * CHUNK, 3_000_000])(
  "age reads our file of %i bytes, and we read the one of age",
  async (length) => {
    const plain = randomBytes(length);
    const run = (args: string[], input: Buffer) => execa(age, args, { cwd: folder, input, encoding: "buffer", stripFinalNewline: false });
    async function* theirFile() {
      yield (await run(["--encrypt", "--recipient", recipient], plain)).stdout;
    }

    const ours = await collect(encrypt(recipient, [plain]));
    const { stdout: readByThem } = await run(["--decrypt", "--identity", "identity.txt"], ours);
    const readByUs = await collect(decrypt(identity, theirFile()));

    expect(Buffer.from(readByThem).equals(plain)).toBe(true);
    expect(readByUs.equals(plain)).toBe(true);
  },
);

test("age refuses our file when it is cut between two chunks, as we do", async () => {
  const file = await collect(encrypt(recipient, [randomBytes(2 * CHUNK)]));
  const cut = file.subarray(0, file.length - CHUNK - 16);

  await expect(execa(age, ["--decrypt", "--identity", "identity.txt"], { cwd: folder, input: cut, encoding: "buffer" })).rejects.toThrow();
});

test("age opens with the passphrase what we locked with it", async () => {
  await writeFile(join(folder, "locked.age"), await lock(new Secret("the secrets\n"), new Secret("a passphrase")));

  await runOnTerminal([age, "--decrypt", "--output", "unlocked.txt", "locked.age"], { passphrase: "a passphrase", cwd: folder });

  expect(await readFile(join(folder, "unlocked.txt"), "utf8")).toBe("the secrets\n");
});

test("we open with the passphrase what age locked with it", async () => {
  await writeFile(join(folder, "plain.txt"), "the secrets\n");

  await runOnTerminal([age, "--encrypt", "--passphrase", "--output", "theirs.age", "plain.txt"], {
    passphrase: "a passphrase",
    cwd: folder,
  });

  const file = await readFile(join(folder, "theirs.age"));
  expect((await unlock(file, new Secret("a passphrase"))).reveal()).toBe("the secrets\n");
  await expect(unlock(file, new Secret("another passphrase"))).rejects.toThrow();
});
