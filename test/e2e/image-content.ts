// What an image holds, read from the tar that "docker save" writes.

import { createReadStream } from "node:fs";
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { execa } from "execa";

export interface ImageConfig {
  readonly config: {
    readonly User: string;
    readonly Env: readonly string[];
    readonly Entrypoint: readonly string[];
    readonly Labels: Readonly<Record<string, string>>;
    readonly Healthcheck?: unknown;
  };
  readonly history: readonly unknown[];
}

export interface ImageFile {
  /** From the root, without the leading slash. */
  readonly path: string;
  /** As `ls -l` shows it: "-rwxr-xr-x". */
  readonly mode: string;
  readonly owner: string;
}

/** Dispose removes what was unpacked. */
export interface ImageContent extends AsyncDisposable {
  readonly config: ImageConfig;
  readonly files: readonly ImageFile[];
  /** The layers, compressed as a registry keeps them. */
  compressedBytes(): Promise<number>;
  read(path: string): Promise<string>;
}

export async function readImageContent(tar: string): Promise<ImageContent> {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-image-"));
  const root = join(folder, "root");
  await execa("mkdir", [root]);
  await execa("tar", ["-xf", tar, "-C", folder]);
  const [manifest] = JSON.parse(await readFile(join(folder, "manifest.json"), "utf8"));
  const layers: string[] = manifest.Layers.map((layer: string) => join(folder, layer));
  const files: ImageFile[] = [];
  for (const layer of layers) {
    const { stdout } = await execa("tar", ["--numeric-owner", "-tvf", layer]);
    files.push(...stdout.split("\n").map(parseLine));
    await execa("tar", ["-xf", layer, "-C", root]);
  }
  return {
    config: JSON.parse(await readFile(join(folder, manifest.Config), "utf8")),
    files,
    async compressedBytes() {
      const sizes = await Promise.all(layers.map((layer) => gzippedBytes(layer)));
      return sizes.reduce((sum, size) => sum + size, 0);
    },
    read: (path) => readFile(join(root, path), "utf8"),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

/** "-rw-r--r-- 0/0  99 2026-11-22 00:15 etc/passwd" */
function parseLine(line: string): ImageFile {
  const [, mode, owner, path] = /^(\S{10}) (\S+) +\S+ \S+ \S+ (.*?)\/?(?: -> .*)?$/.exec(line) ?? [];
  if (mode === undefined || owner === undefined || path === undefined) throw new Error(`tar lists what is not understood: "${line}"`);
  return { path, mode, owner };
}

async function gzippedBytes(file: string): Promise<number> {
  let bytes = 0;
  await pipeline(createReadStream(file), createGzip(), async (chunks: AsyncIterable<Buffer>) => {
    for await (const chunk of chunks) bytes += chunk.length;
  });
  if (bytes < (await stat(file)).size / 100) throw new Error(`Layer "${file}" was not read to its end`);
  return bytes;
}
