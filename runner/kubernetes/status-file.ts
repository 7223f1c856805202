import { randomUUID } from "node:crypto";
import { open, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { stringify } from "yaml";
import { ParameterError } from "../errors.ts";
import type { ObjectName, Status, StatusChange, StatusKind } from "./cluster.ts";
import { apiVersionOf } from "./parse-object.ts";
import { parseDocuments } from "./read-manifests.ts";

/** Where an object's status lies: kinds and namespaces hold no dot, so no two objects share a file. The name has to be checked already. */
export function statusFilePath(directory: string, kind: StatusKind, { namespace, name }: ObjectName): string {
  return join(directory, `${kind}.${namespace}.${name}.status.yaml`);
}

/** The status in the file; `undefined` when nobody wrote one. @throws ParameterError when the file is no status of ours */
export async function readStatusFile(path: string): Promise<Status | undefined> {
  const text = await readText(path);
  return text === undefined ? undefined : parseStatus(path, text);
}

/**
 * Reads the status (`initial` without a file), changes it, and replaces the file atomically. Done again when another writer was faster.
 * Nothing is written when the change changes nothing.
 */
export async function changeStatusFile(
  path: string,
  change: StatusChange,
  object: { kind: StatusKind; name: ObjectName; initial: Status },
): Promise<void> {
  for (;;) {
    const before = await readText(path);
    const status = before === undefined ? object.initial : parseStatus(path, before);
    const changed = change(status);
    if (isDeepStrictEqual(changed, status)) return;
    const { kind, name } = object;
    const document = { apiVersion: apiVersionOf(kind), kind, metadata: { name: name.name, namespace: name.namespace }, status: changed };
    const isWritten = await replaceFile(path, stringify(document), async () => (await readText(path)) === before);
    if (isWritten) return;
  }
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new ParameterError(`Cannot read status file "${path}"`, { cause, hint: "Make the file readable, or remove it" });
  }
}

function parseStatus(path: string, text: string): Status {
  const [document, ...others] = parseDocuments(path, text);
  const status = document?.status;
  if (others.length > 0 || typeof status !== "object" || status === null || Array.isArray(status)) {
    throw new ParameterError(`Cannot read status file "${path}": it holds no single object with a status`, {
      hint: "Remove the file to start with the manifest's own status",
    });
  }
  return status as Status;
}

/** Writes beside, syncs, and renames if `isStillSame`; a reader sees the old or the new text, never a part. */
async function replaceFile(path: string, text: string, isStillSame: () => Promise<boolean>): Promise<boolean> {
  const temporary = join(dirname(path), `.${randomUUID()}.tmp`);
  try {
    await using file = await open(temporary, "wx");
    await file.writeFile(text);
    await file.sync();
    if (!(await isStillSame())) return false;
    await rename(temporary, path);
    await syncDirectory(dirname(path));
    return true;
  } catch (cause) {
    if (cause instanceof ParameterError) throw cause;
    throw new ParameterError(`Cannot write status file "${path}"`, { cause, hint: "Make the directory of the manifests writable" });
  } finally {
    await rm(temporary, { force: true });
  }
}

async function syncDirectory(path: string): Promise<void> {
  await using directory = await open(path, "r");
  await directory.sync();
}
