// Search servers that a whole test run shares, since each start costs ten seconds of a processor: a folder holds one record a server.
import { randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type ElasticsearchVersion, startElasticsearch } from "./elasticsearch-server.ts";
import { stopJava } from "./java-server.ts";
import { withFileLock } from "./kubernetes/with-file-lock.ts";
import { type OpenSearchVersion, startOpenSearch } from "./opensearch-server.ts";
import type { SearchServer } from "./search-server.ts";
import { isUsable, type RecordedServer, serverOf } from "./start-search-server.ts";

/** Names the folder of the pool; without it each server is its caller's own. */
export const POOL_FOLDER = "HOLDFAST_SEARCH_POOL";
/** Names the process whose end is the end of the pool's servers. */
export const POOL_OWNER = "HOLDFAST_SEARCH_POOL_OWNER";

/** A server that others use too: give every index, template and setting a name of uniqueName(), and remove it in the end. Without a pool, disposing of it stops it. */
export function useElasticsearch(version: ElasticsearchVersion): Promise<SearchServer> {
  return useServer(`elasticsearch-${version}`, (ownerPid) => startElasticsearch({ version, ...ownerPid }));
}

/** As useElasticsearch. */
export function useOpenSearch(version: OpenSearchVersion): Promise<SearchServer> {
  return useServer(`opensearch-${version}`, (ownerPid) => startOpenSearch({ version, ...ownerPid }));
}

/** A name that no other test has, fit for an index. */
export function uniqueName(prefix: string): string {
  return `${prefix}-${randomUUID().slice(0, 13)}`;
}

/** Stops every server of the pool and removes the folder. */
export async function stopPool(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (name.endsWith(".json")) await stopJava(await readRecord(join(folder, name)));
  }
  await rm(folder, { recursive: true, force: true });
}

async function useServer(
  name: string,
  start: (options: { ownerPid?: number | "none" }) => Promise<SearchServer & RecordedServer>,
): Promise<SearchServer> {
  const folder = process.env[POOL_FOLDER];
  if (!folder) return start({});
  await mkdir(folder, { recursive: true });
  return withFileLock(join(folder, `${name}.lock`), async () => {
    const file = join(folder, `${name}.json`);
    const recorded = (await readdir(folder)).includes(`${name}.json`) ? await readRecord(file) : undefined;
    if (recorded !== undefined && (await isUsable(recorded))) return serverOf(recorded, leaveRunning);
    // A test broke it.
    if (recorded !== undefined) await stopJava(recorded);
    const owner = process.env[POOL_OWNER];
    // Without a named owner, somebody keeps the pool by hand over several runs.
    const started = await start({ ownerPid: owner ? Number(owner) : "none" });
    await writeFile(`${file}.new`, JSON.stringify(started));
    await rename(`${file}.new`, file);
    return serverOf(started, leaveRunning);
  });
}

async function leaveRunning(): Promise<void> {
  // stopPool() ends it.
}

async function readRecord(file: string): Promise<RecordedServer> {
  return JSON.parse(await readFile(file, "utf8")) as RecordedServer;
}
