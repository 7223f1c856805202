// The images that the node itself and its own tests need, made here: the sandbox of every pod, and a program that tries what pods can do.
import { createHash } from "node:crypto";
import { access, mkdir, mkdtemp, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { buildWithGo, cacheDirectory, ensureGo } from "../install.ts";
import { writeImage } from "./write-image.ts";

export const PAUSE_IMAGE = "docker.io/holdfast/pause:test";
/** Its arguments are told in pod-programs/probe.go. */
export const PROBE_IMAGE = "docker.io/holdfast/probe:test";

/** Resolves with the archive of `PAUSE_IMAGE`. */
export function ensurePauseImage(): Promise<string> {
  return ensureImage("pause", PAUSE_IMAGE);
}

/** Resolves with the archive of `PROBE_IMAGE`. */
export function ensureProbeImage(): Promise<string> {
  return ensureImage("probe", PROBE_IMAGE);
}

async function ensureImage(program: string, name: string): Promise<string> {
  const source = join(import.meta.dirname, "pod-programs", `${program}.go`);
  const digest = createHash("sha256")
    .update(await readFile(source))
    .update(await readFile(join(import.meta.dirname, "write-image.ts")));
  const folder = join(cacheDirectory(), "pod-images");
  const archive = join(folder, `${program}-${digest.digest("hex").slice(0, 16)}.tar`);
  if (await exists(archive)) return archive;
  await ensureGo();
  await mkdir(folder, { recursive: true });
  const scratch = await mkdtemp(join(folder, "build-"));
  try {
    // One file of the standard library alone: no module.
    const env = { CGO_ENABLED: "0", GO111MODULE: "off", GOFLAGS: "" };
    await buildWithGo(["build", "-trimpath", "-ldflags", "-s -w", "-o", join(scratch, program), source], { cwd: scratch, env });
    await writeImage(join(scratch, "image.tar"), { name, program: join(scratch, program), programName: program });
    await rename(join(scratch, "image.tar"), archive);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  return archive;
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
