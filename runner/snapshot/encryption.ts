// age v1 files (https://age-encryption.org/v1). identity: a private key, "AGE-SECRET-KEY-1…". recipient: its public half, "age1…".
// The library age-encryption makes the headers; payloads and passphrases are encrypted-payload.ts and passphrase-stanza.ts.
import { armor, Decrypter, Encrypter, generateX25519Identity, identityToRecipient } from "age-encryption";
import { Secret } from "../secret.ts";
import { decryptPayload, encryptPayload } from "./encrypted-payload.ts";
import { passphraseIdentity, passphraseRecipient } from "./passphrase-stanza.ts";

const MAX_HEADER_BYTES = 16 * 1024;

/** A new X25519 identity. */
export async function generateIdentity(): Promise<Secret> {
  return new Secret(await generateX25519Identity());
}

/** The public half of an identity. Throws when the text is no identity. */
export async function recipientOf(identity: Secret): Promise<string> {
  return identityToRecipient(identity.reveal());
}

/** Yields one binary age file, each piece in memory that the next one uses again. A plaintext piece is not looked at once the next one is asked for. */
export async function* encrypt(recipient: string, plaintext: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const { header, fileKey } = await makeHeader(recipient);
  yield header;
  yield* encryptPayload(fileKey, plaintext);
}

/** Yields the authenticated plaintext of one binary age file; fails when it is damaged, cut off, or for another recipient. */
export async function* decrypt(identity: Secret, file: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  const iterator = file[Symbol.asyncIterator]();
  try {
    const { header, rest } = await readHeader(iterator);
    const decrypter = new Decrypter();
    decrypter.addIdentity(identity.reveal());
    const fileKey = await decrypter.decryptHeader(header);
    yield* decryptPayload(fileKey, startingWith(rest, iterator));
  } finally {
    await iterator.return?.();
  }
}

/** A small age file that the passphrase opens. */
export async function lock(text: Secret, passphrase: Secret): Promise<Buffer> {
  const encrypter = new Encrypter();
  encrypter.addRecipient(passphraseRecipient(passphrase));
  return Buffer.from(await encrypter.encrypt(text.reveal()));
}

/** The text of a file made by `lock` or by `age -p`; throws when the passphrase is another one or the file is damaged. */
export async function unlock(file: Uint8Array, passphrase: Secret): Promise<Secret> {
  const decrypter = new Decrypter();
  decrypter.addIdentity(passphraseIdentity(passphrase));
  return new Secret(await decrypter.decrypt(file, "text"));
}

export function toArmor(file: Uint8Array): string {
  return armor.encode(file);
}

/** Throws when the text is not an armored age file. */
export function fromArmor(text: string): Buffer {
  return Buffer.from(armor.decode(text));
}

async function makeHeader(recipient: string): Promise<{ header: Uint8Array; fileKey: Uint8Array }> {
  let fileKey: Uint8Array | undefined;
  const encrypter = new Encrypter();
  encrypter.addRecipient(recipient);
  // A recipient without a stanza of its own is the library's public way to the file key.
  encrypter.addRecipient({
    wrapFileKey(key) {
      fileKey = Uint8Array.from(key);
      return [];
    },
  });
  const emptyFile = await encrypter.encrypt(new Uint8Array(0));
  if (fileKey === undefined) throw new Error("age-encryption did not hand out the file key");
  return { header: emptyFile.subarray(0, headerLength(emptyFile)), fileKey };
}

async function readHeader(iterator: AsyncIterator<Uint8Array>): Promise<{ header: Uint8Array; rest: Uint8Array }> {
  let read: Uint8Array = new Uint8Array(0);
  for (;;) {
    const length = headerLength(read);
    if (length > 0) return { header: read.subarray(0, length), rest: read.subarray(length) };
    if (read.length > MAX_HEADER_BYTES) throw new Error("Not an age file: its header does not end");
    const next = await iterator.next();
    if (next.done) throw new Error("Encrypted file is cut off in its header");
    read = read.length === 0 ? next.value : Buffer.concat([read, next.value]);
  }
}

/** Bytes up to and with the line of the MAC; 0 when that line is not complete. */
function headerLength(file: Uint8Array): number {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.length);
  const macLine = bytes.indexOf("\n--- ");
  return macLine < 0 ? 0 : bytes.indexOf("\n", macLine + 1) + 1;
}

async function* startingWith(first: Uint8Array, iterator: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  if (first.length > 0) yield first;
  for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value;
}
