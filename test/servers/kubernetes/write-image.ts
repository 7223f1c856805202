// A container image without a container tool: a `docker save` archive of one layer.
import { createHash } from "node:crypto";
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";

export interface ImageOptions {
  /** With its registry and tag: "docker.io/holdfast/name:test". */
  readonly name: string;
  /** Path of a program that needs no libraries; it lies at the image's root under `programName`, and is its entrypoint. */
  readonly program: string;
  readonly programName: string;
}

const ARCHITECTURES: Readonly<Record<string, string>> = { x64: "amd64", arm64: "arm64" };

/** Writes the archive to `path`. It runs as nobody. */
export async function writeImage(path: string, { name, program, programName }: ImageOptions): Promise<void> {
  const scratch = await mkdtemp(join(tmpdir(), "holdfast-image-"));
  try {
    const root = join(scratch, "root");
    await mkdir(root);
    await copyFile(program, join(root, programName));
    await chmod(join(root, programName), 0o755);
    await tar(join(scratch, "layer.tar"), root, [programName]);
    const config = JSON.stringify({
      architecture: ARCHITECTURES[process.arch] ?? process.arch,
      os: "linux",
      config: { Entrypoint: [`/${programName}`], User: "65534:65534", WorkingDir: "/" },
      rootfs: { type: "layers", diff_ids: [`sha256:${sha256(await readFile(join(scratch, "layer.tar")))}`] },
      history: [{ created_by: "test" }],
    });
    const configName = `${sha256(config)}.json`;
    await writeFile(join(scratch, configName), config);
    await writeFile(join(scratch, "manifest.json"), JSON.stringify([{ Config: configName, RepoTags: [name], Layers: ["layer.tar"] }]));
    await tar(path, scratch, ["manifest.json", configName, "layer.tar"]);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function tar(path: string, folder: string, names: readonly string[]): Promise<void> {
  const sameForAll = ["--owner=0", "--group=0", "--numeric-owner", "--mtime=@0", "--format=ustar"];
  await execa("tar", [...sameForAll, "--create", "--file", path, "--directory", folder, ...names]);
}

function sha256(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}
