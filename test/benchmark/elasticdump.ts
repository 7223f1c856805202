import { access, mkdtemp, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { cacheDirectory } from "../servers/install.ts";

const VERSION = "6.125.1";

export interface Elasticdump {
  readonly version: string;
  readonly elasticdump: string;
  readonly multielasticdump: string;
}

/** The incumbent, installed into the cache when it is not there: it is no dependency of ours. */
export async function ensureElasticdump(): Promise<Elasticdump> {
  const folder = join(cacheDirectory(), `elasticdump-${VERSION}`);
  const isThere = await access(folder).then(
    () => true,
    () => false,
  );
  if (!isThere) await install(folder);
  const bin = join(folder, "node_modules/elasticdump/bin");
  return { version: VERSION, elasticdump: join(bin, "elasticdump"), multielasticdump: join(bin, "multielasticdump") };
}

async function install(folder: string): Promise<void> {
  const temporary = await mkdtemp(`${folder}-`);
  try {
    await execa("npm", ["install", "--prefix", temporary, "--no-fund", "--no-audit", "--ignore-scripts", `elasticdump@${VERSION}`]);
    await rename(temporary, folder);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}
