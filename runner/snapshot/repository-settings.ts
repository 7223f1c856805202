// holdfast/repository.json: what a repository says about itself without a passphrase. FORMAT.md, "Keys".
import * as z from "zod";
import { ParameterError } from "../errors.ts";
import { fromArmor, toArmor } from "./encryption.ts";

const FORMAT = 1;

const schema = z.object({
  format: z.literal(FORMAT),
  id: z.string().regex(/^[0-9a-f]{32}$/),
  created: z.iso.datetime(),
  /** Whether the store kept `ifAbsent` when the repository was created. */
  ifAbsent: z.boolean(),
  /** Copies of key files by number, armored, so that losing one object does not lose all. */
  keys: z.record(z.string().regex(/^[1-9]\d*$/), z.string()),
});

export interface RepositorySettings {
  readonly id: string;
  readonly created: string;
  readonly ifAbsent: boolean;
  /** Copies of key files, by number. */
  readonly keys: ReadonlyMap<number, Buffer>;
}

export function encodeSettings(settings: RepositorySettings): Buffer {
  const keys = Object.fromEntries([...settings.keys].map(([number, file]) => [String(number), toArmor(file)]));
  const { id, created, ifAbsent } = settings;
  return Buffer.from(`${JSON.stringify({ format: FORMAT, id, created, ifAbsent, keys }, undefined, 2)}\n`);
}

/** Throws an Error when the bytes are damaged. @throws ParameterError for a format of a later version */
export function decodeSettings(bytes: Buffer): RepositorySettings {
  const value: unknown = JSON.parse(bytes.toString());
  const { format } = z.object({ format: z.number() }).parse(value);
  if (format !== FORMAT) {
    throw new ParameterError(`Cannot use a repository of format ${format}: this version knows format ${FORMAT}`, {
      hint: "Use a newer version of Holdfast",
    });
  }
  const { keys, ...settings } = schema.parse(value);
  return { ...settings, keys: new Map(Object.entries(keys).map(([number, file]) => [Number(number), fromArmor(file)])) };
}
