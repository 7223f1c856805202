// The stanza of a passphrase in an age header: https://age-encryption.org/v1, "scrypt". By OpenSSL, because the library's blocks the process and
// leaves 50 MB behind.
import { createCipheriv, createDecipheriv, randomBytes, scrypt } from "node:crypto";
import { type Identity, type Recipient, Stanza } from "age-encryption";
import type { Secret } from "../secret.ts";

/** 2^15: 32 MiB for each try. */
const WORK_FACTOR = 15;
/** `age -p` uses 18 (256 MiB); whoever asks for more attacks our memory. */
const MAX_WORK_FACTOR = 18;
const ALGORITHM = "chacha20-poly1305";
const TAG_BYTES = 16;
const FILE_KEY_BYTES = 16;

/** Wraps the file key with a passphrase. */
export function passphraseRecipient(passphrase: Secret): Recipient {
  return {
    async wrapFileKey(fileKey) {
      const salt = randomBytes(16);
      const key = await deriveKey(passphrase, salt, WORK_FACTOR);
      const cipher = createCipheriv(ALGORITHM, key, Buffer.alloc(12), { authTagLength: TAG_BYTES });
      const body = Buffer.concat([cipher.update(fileKey), cipher.final(), cipher.getAuthTag()]);
      return [new Stanza(["scrypt", salt.toString("base64").replaceAll("=", ""), String(WORK_FACTOR)], new Uint8Array(body))];
    },
  };
}

/** Unwraps the file key; another passphrase is a key that does not match, a strange stanza an error. */
export function passphraseIdentity(passphrase: Secret): Identity {
  return {
    async unwrapFileKey(stanzas) {
      const [stanza] = stanzas;
      if (stanza === undefined || stanzas.length !== 1 || stanza.args[0] !== "scrypt")
        throw new Error("Key file is not locked with a passphrase");
      const salt = Buffer.from(stanza.args[1] ?? "", "base64");
      const workFactor = Number(stanza.args[2]);
      if (salt.length !== 16 || stanza.body.length !== FILE_KEY_BYTES + TAG_BYTES) throw new Error("Key file has a malformed header");
      if (!(workFactor >= 1 && workFactor <= MAX_WORK_FACTOR)) throw new Error(`Key file asks for scrypt work factor "${stanza.args[2]}"`);
      const decipher = createDecipheriv(ALGORITHM, await deriveKey(passphrase, salt, workFactor), Buffer.alloc(12), {
        authTagLength: TAG_BYTES,
      });
      decipher.setAuthTag(stanza.body.subarray(FILE_KEY_BYTES));
      const fileKey = decipher.update(stanza.body.subarray(0, FILE_KEY_BYTES));
      try {
        decipher.final();
      } catch {
        // Not authentic under this key: the interface's word for a passphrase that does not match.
        return null;
      }
      return new Uint8Array(fileKey);
    },
  };
}

function deriveKey(passphrase: Secret, salt: Buffer, workFactor: number): Promise<Buffer> {
  const labelled = Buffer.concat([Buffer.from("age-encryption.org/v1/scrypt"), salt]);
  const N = 2 ** workFactor;
  return new Promise((resolve, reject) => {
    scrypt(passphrase.reveal(), labelled, 32, { N, r: 8, p: 1, maxmem: 1024 * N + 1024 * 1024 }, (error, key) =>
      error === null ? resolve(key) : reject(error),
    );
  });
}
