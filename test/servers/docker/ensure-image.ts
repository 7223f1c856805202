// The runner image, built from the Dockerfile as it is, with a base that is made here.
import { mkdir, mkdtemp, readdir, rename, rm, stat, utimes } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { cacheDirectory } from "../install.ts";
import { withFileLock } from "../kubernetes/with-file-lock.ts";
import { ensureBuildBase } from "./build-base.ts";
import { copyImageInputs, digestOfImageInputs } from "./image-inputs.ts";
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
  const known = await imageOf(ROOT, folder);
  if (await isThere(known.tar)) return known;
  return withFileLock(`${folder}.lock`, async () => {
    const context = await mkdtemp(join(tmpdir(), "holdfast-image-context-"));
    try {
      await copyImageInputs(ROOT, context);
      const image = await imageOf(context, folder);
      // Somebody else may have built it while we waited.
      if (!(await isThere(image.tar))) await withDocker((docker) => build(docker, image, context));
      await prune(folder);
      return image;
    } finally {
      await rm(context, { recursive: true, force: true });
    }
  });
}

async function imageOf(root: string, folder: string): Promise<Image> {
  const digest = (await digestOfImageInputs(root)).slice(0, 16);
  return { name: `${REPOSITORY}:${digest}`, tar: join(folder, `holdfast-${digest}.tar`) };
}

async function build({ docker, command, env }: Docker, { name, tar }: Image, context: string): Promise<void> {
  const base = await ensureBuildBase({ docker, command, env });
  process.stderr.write("Building the runner image: a minute the first time, seconds when only sources changed ...\n");
  // The network of this machine, and with it its way to the registries of packages.
  const proxies = Object.keys(process.env).filter((each) => /^(https?|no)_proxy$/i.test(each));
  const values = [`BUILD_BASE=${base}`, ...proxies].flatMap((each) => ["--build-arg", each]);
  const args = ["build", "--network=host", ...values, "--tag", name, context];
  await execa(command[0] as string, args, { env, all: true });
  await docker("save", "--output", `${tar}.new`, name);
  await rename(`${tar}.new`, tar);
  const images = await docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", REPOSITORY);
  for (const old of images.split("\n").filter(Boolean).slice(KEPT)) await docker("image", "rm", "--force", old);
  await docker("builder", "prune", "--force", "--keep-storage", "2GB");
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
