// What keys/<n>.age holds once it is unlocked. FORMAT.md, "Secrets".
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, randomBytes } from "node:crypto";
import { Secret } from "../secret.ts";
import { generateIdentity, recipientOf } from "./encryption.ts";

export interface RepositorySecrets {
  readonly id: string;
  readonly created: string;
  /** Decrypts every object. */
  readonly identity: Secret;
  /** Objects are encrypted to it. */
  readonly recipient: string;
  /** Ed25519; signs manifests. */
  readonly signingKey: KeyObject;
  /** Its public half, derived from it. */
  readonly publicKey: KeyObject;
}

/** Secrets of a new repository. */
export async function makeSecrets(now: Date): Promise<RepositorySecrets> {
  const identity = await generateIdentity();
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  return {
    id: randomBytes(16).toString("hex"),
    created: now.toISOString(),
    identity,
    recipient: await recipientOf(identity),
    signingKey: privateKey,
    publicKey,
  };
}

/** Lines that the age program takes as an identity file. */
export function encodeSecrets(secrets: RepositorySecrets): Secret {
  const signingKey = secrets.signingKey.export({ format: "der", type: "pkcs8" }).toString("base64");
  const lines = [
    `# holdfast repository: ${secrets.id}`,
    `# created: ${secrets.created}`,
    `# public key: ${secrets.recipient}`,
    `# signing key (ed25519): ${signingKey}`,
    secrets.identity.reveal(),
  ];
  return new Secret(`${lines.join("\n")}\n`);
}

/** Throws when a line is missing; public halves are derived, not read. */
export async function decodeSecrets(unlocked: Secret): Promise<RepositorySecrets> {
  const text = unlocked.reveal();
  const identity = new Secret(find(text, "an age identity", /^(AGE-SECRET-KEY-1[0-9A-Z]+)$/m));
  const signingKey = createPrivateKey({
    key: Buffer.from(find(text, "a signing key", /^# signing key \(ed25519\): ([A-Za-z0-9+/=]+)$/m), "base64"),
    format: "der",
    type: "pkcs8",
  });
  if (signingKey.asymmetricKeyType !== "ed25519") throw new Error("Key file holds a signing key of another kind than Ed25519");
  return {
    id: find(text, "a repository id", /^# holdfast repository: ([0-9a-f]{32})$/m),
    created: find(text, "a date", /^# created: (\S+)$/m),
    identity,
    recipient: await recipientOf(identity),
    signingKey,
    publicKey: createPublicKey(signingKey),
  };
}

function find(text: string, what: string, pattern: RegExp): string {
  const found = pattern.exec(text)?.[1];
  if (found === undefined) throw new Error(`Key file holds no line with ${what}`);
  return found;
}
