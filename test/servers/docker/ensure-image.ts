// The runner image, built from the Dockerfile as it is, with a base that is made here.
import { mkdir, readdir, rename, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { cacheDirectory } from "../install.ts";
import { withFileLock } from "../kubernetes/with-file-lock.ts";
import { ensureBuildBase } from "./build-base.ts";
import { digestOfImageInputs } from "./image-inputs.ts";
import { type Docker, withDocker } from "./start-docker.ts";

export interface Image {
  /** What `docker save` wrote: for `docker load` and `ctr images import`. */
  readonly tar: string;
  /** As the tar names it: pull it never. */
  readonly name: string;
}

const ROOT = join(import.meta.dirname, "../../..");
const REPOSITORY = "localhost/holdfast";
const KEPT = 3;

/** Resolves with the image of the sources as they are now; builds it when no earlier one was made from the same. Safe to call from several processes. */
export async function ensureImage(): Promise<Image> {
  const folder = join(cacheDirectory(), "images");
  await mkdir(folder, { recursive: true });
  const digest = (await digestOfImageInputs(ROOT)).slice(0, 16);
  const image = { name: `${REPOSITORY}:${digest}`, tar: join(folder, `holdfast-${digest}.tar`) };
  if (await isThere(image.tar)) return image;
  await withFileLock(`${folder}.lock`, async () => {
    // Somebody else may have built it while we waited.
    if (!(await isThere(image.tar))) await withDocker((docker) => build(docker, image));
    await prune(folder);
  });
  return image;
}

async function build(docker: Docker, { name, tar }: Image): Promise<void> {
  const base = await ensureBuildBase(docker);
  process.stderr.write("Building the runner image: a minute the first time, seconds when only sources changed ...\n");
  const args = ["build", "--network=host", "--build-arg", `BUILD_BASE=${base}`, "--tag", name, ROOT];
  await execa(docker.command[0] as string, args, { env: docker.env, all: true });
  await docker.docker("save", "--output", `${tar}.new`, name);
  await rename(`${tar}.new`, tar);
  const known = (await docker.docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", REPOSITORY)).split("\n").filter(Boolean);
  for (const old of known.slice(KEPT)) await docker.docker("image", "rm", "--force", old);
  await docker.docker("builder", "prune", "--force", "--keep-storage", "4GB");
}

/** A tar that is used is a young one. */
async function isThere(tar: string): Promise<boolean> {
  const now = new Date();
  return utimes(tar, now, now).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return false;
      throw error;
    },
  );
}

async function prune(folder: string): Promise<void> {
  const tars = (await readdir(folder)).map((name) => join(folder, name));
  const ages = await Promise.all(tars.map(async (path) => ({ path, used: (await stat(path)).mtimeMs })));
  for (const { path } of ages.sort((a, b) => b.used - a.used).slice(KEPT)) await rm(path, { force: true });
}
