import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Cluster } from "../../../runner/kubernetes/cluster.ts";
import { openFileCluster } from "../../../runner/kubernetes/file-cluster.ts";

export interface TemporaryManifests extends AsyncDisposable {
  readonly directory: string;
  path(name: string): string;
  read(name: string): Promise<string>;
  names(): Promise<string[]>;
  open(): Promise<Cluster>;
}

/** A directory with these files, removed at the end of the test. */
export async function makeManifests(files: Readonly<Record<string, string>>): Promise<TemporaryManifests> {
  const directory = await mkdtemp(join(tmpdir(), "manifests-"));
  const path = (name: string) => join(directory, name);
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(path(name)), { recursive: true });
    await writeFile(path(name), text);
  }
  return {
    directory,
    path,
    read: (name) => readFile(path(name), "utf8"),
    names: async () => (await readdir(directory)).sort(),
    open: () => openFileCluster(directory),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}

/** The error that the promise rejects with, or that the function throws. */
export async function failureOf(work: Promise<unknown> | (() => unknown)): Promise<Error> {
  try {
    await (typeof work === "function" ? work() : work);
  } catch (error) {
    if (error instanceof Error) return error;
    throw error;
  }
  throw new Error("Expected a failure");
}

/** Everything an error would show anywhere: message, hint, facts, causes, stack. */
export function everythingOf(error: Error): string {
  const { hint, facts } = error as { hint?: string; facts?: unknown };
  const cause = error.cause instanceof Error ? everythingOf(error.cause) : String(error.cause);
  return [error.message, hint, JSON.stringify(facts), error.stack, JSON.stringify(error), cause].join("\n");
}

/** The folder of manifests that belong to the tests. */
export const fixtures = join(import.meta.dirname, "../../fixtures/manifests");

/** A Secret of the fixtures, decoded. */
export async function fixtureSecret(name: string): Promise<ReadonlyMap<string, Uint8Array>> {
  return (await openFileCluster(fixtures)).secret({ namespace: "shop", name });
}
