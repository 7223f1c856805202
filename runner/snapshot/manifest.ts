// manifest: the commit of a snapshot, signed, written last and never changed. FORMAT.md, "Manifest".
import { type KeyObject, sign, verify } from "node:crypto";
import * as z from "zod";
import { IncompleteError } from "../errors.ts";
import { isSnapshotId, isStreamName, parseDataKey } from "./object-keys.ts";

export const FORMAT = 1;
export const MAX_MANIFEST_BYTES = 64 * 1024 * 1024;

const text = z.string().min(1).max(1000);
const bytes = z.number().int().nonnegative();
const facts = z.record(z.string(), z.unknown());

const storedObject = z.object({
  key: z.string().refine((key) => parseDataKey(key) !== undefined, "is not the key of a data object"),
  rawBytes: bytes.positive(),
  storedBytes: bytes.positive(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});

const storedStream = z
  .object({
    name: z.string().refine(isStreamName, "is not a stream's name"),
    mediaType: text,
    rawBytes: bytes,
    count: bytes.optional(),
    digest: z.string().max(1000).optional(),
    objects: z.array(storedObject),
  })
  .refine(
    (stream) => stream.objects.reduce((sum, object) => sum + object.rawBytes, 0) === stream.rawBytes,
    "objects do not add up to rawBytes",
  );

/** What we need is checked strictly; fields that we do not know are let through: a change that alters a meaning raises `format`. */
const schema = z
  .object({
    format: z.literal(FORMAT),
    repository: text,
    id: z.string().refine(isSnapshotId, "is not a snapshot's id"),
    previous: z.string().refine(isSnapshotId, "is not a snapshot's id").optional(),
    engine: text,
    function: text,
    target: z.object({ namespace: z.string(), kind: z.string(), name: text }),
    invoker: z.object({ kind: text, name: text, namespace: z.string().optional() }).optional(),
    host: z.string(),
    tags: z.array(z.string()),
    started: z.iso.datetime(),
    finished: z.iso.datetime(),
    holdfast: text,
    server: z.object({ flavour: z.string(), version: z.string(), id: z.string() }),
    consistency: facts,
    parameters: facts,
    tls: z.object({ verified: z.boolean() }),
    streams: z.array(storedStream),
    facts,
    notCarried: z.array(z.object({ name: z.string(), reason: z.string() })),
  })
  .superRefine((manifest, context) => {
    for (const message of findMisplacedStreams(manifest)) context.addIssue({ code: "custom", message });
  });

export type Manifest = z.infer<typeof schema>;
export type StoredStream = Manifest["streams"][number];
export type StoredObject = StoredStream["objects"][number];

/** What a reader expects of a manifest before it believes a word of it. */
export interface ManifestExpectation {
  /** The id in the manifest's key. */
  readonly id: string;
  readonly repository: { readonly id: string; readonly publicKey: KeyObject };
}

/** Two lines: the manifest as JSON, and its signature. Throws when readers would refuse it. */
export function encodeManifest(manifest: Manifest, signingKey: KeyObject, publicKey: KeyObject): Buffer {
  const line = Buffer.from(`${JSON.stringify(manifest)}\n`);
  const signature = sign(null, line, signingKey);
  const encoded = Buffer.concat([line, Buffer.from(`ed25519 ${publicKeyText(publicKey)} ${signature.toString("base64")}\n`)]);
  decodeManifest(encoded, { id: manifest.id, repository: { id: manifest.repository, publicKey } });
  return encoded;
}

/** The manifest, believed only when it is signed by the repository's own key and stands under its own name. @throws IncompleteError */
export function decodeManifest(encoded: Buffer, expected: ManifestExpectation): Manifest {
  if (encoded.length > MAX_MANIFEST_BYTES) throw new IncompleteError(`Manifest is larger than ${MAX_MANIFEST_BYTES} bytes`);
  const border = encoded.indexOf("\n") + 1;
  const signature = /^ed25519 ([A-Za-z0-9+/=]+) ([A-Za-z0-9+/=]+)\n$/.exec(encoded.subarray(border, border + 1000).toString("latin1"));
  if (border === 0 || signature === null || encoded.length !== border + signature[0].length) {
    throw new IncompleteError("Manifest is cut off, or something follows it: it must be one line and its signature");
  }
  // The key in the file is for people; only the key from the unlocked repository is believed.
  if (signature[1] !== publicKeyText(expected.repository.publicKey)) throw new IncompleteError("Manifest is signed by another key");
  const line = encoded.subarray(0, border);
  if (!verify(null, line, expected.repository.publicKey, Buffer.from(signature[2] as string, "base64"))) {
    throw new IncompleteError("Manifest was changed: its signature does not fit");
  }
  const manifest = parse(line);
  if (manifest.repository !== expected.repository.id) throw new IncompleteError(`Manifest belongs to repository "${manifest.repository}"`);
  if (manifest.id !== expected.id) throw new IncompleteError(`Manifest is that of snapshot "${manifest.id}" under another name`);
  return manifest;
}

/** An export costs as much as half a verification, and each manifest needs one. */
const texts = new WeakMap<KeyObject, string>();

/** SPKI in base64, as OpenSSL reads it. */
export function publicKeyText(publicKey: KeyObject): string {
  const text = texts.get(publicKey) ?? publicKey.export({ format: "der", type: "spki" }).toString("base64");
  texts.set(publicKey, text);
  return text;
}

function parse(line: Buffer): Manifest {
  let value: unknown;
  try {
    value = JSON.parse(line.toString());
  } catch (error) {
    throw new IncompleteError("Manifest is not JSON", { cause: error });
  }
  const { format } = z.object({ format: z.unknown() }).catch({ format: undefined }).parse(value);
  if (format !== FORMAT) {
    throw new IncompleteError(`Manifest has format ${JSON.stringify(format)}, which this version does not know`, {
      hint: "Use a newer version of Holdfast",
    });
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) {
    const issues = parsed.error.issues.slice(0, 3).map((issue) => `${issue.path.join(".")}: ${issue.message}`);
    throw new IncompleteError(`Manifest is malformed: ${issues.join("; ")}`);
  }
  return parsed.data;
}

/** Objects of the snapshot itself stand in their stream's folder in order; others may only be those of earlier snapshots. */
function findMisplacedStreams(manifest: { id: string; streams: readonly StoredStream[] }): string[] {
  const faults: string[] = [];
  const names = new Set<string>();
  for (const stream of manifest.streams) {
    if (names.has(stream.name)) faults.push(`stream "${stream.name}" stands twice`);
    names.add(stream.name);
    stream.objects.forEach((object, index) => {
      const place = parseDataKey(object.key);
      const isOwn = place?.id === manifest.id;
      if (isOwn ? place?.stream !== stream.name || place.sequence !== index + 1 : (place?.id ?? "") > manifest.id) {
        faults.push(`object "${object.key}" does not belong to stream "${stream.name}"`);
      }
    });
  }
  return faults;
}
