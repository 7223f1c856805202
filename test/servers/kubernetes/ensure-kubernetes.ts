// kube-apiserver and etcd, built from source at the versions that go.mod pins: the only way to a real API server without a registry of images.
import { createHash } from "node:crypto";
import { access, mkdir, mkdtemp, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { buildWithGo, cacheDirectory, ensureGo } from "../install.ts";
import { withFileLock } from "./with-file-lock.ts";

/** Paths of the programs. */
export interface KubernetesPrograms {
  readonly apiServer: string;
  readonly etcd: string;
}

const VERSION = "v1.35.4";
// Not optimised: it halves the time of the build, and the tests' load is small.
const FLAGS = ["-trimpath", "-gcflags=all=-N -l", "-ldflags", linkerFlags()];
const PACKAGES = ["k8s.io/kubernetes/cmd/kube-apiserver", "go.etcd.io/etcd/server/v3"];

/** Resolves with the programs; builds them into the cache when they are not there yet (up to ten minutes, once). Safe to call from several processes. */
export async function ensureKubernetes(): Promise<KubernetesPrograms> {
  const folder = join(cacheDirectory(), `kubernetes-${VERSION}-${await digestOfInputs()}`);
  const programs = { apiServer: join(folder, "kube-apiserver"), etcd: join(folder, "etcd") };
  if (await exists(folder)) return programs;
  await mkdir(cacheDirectory(), { recursive: true });
  await withFileLock(`${folder}.lock`, async () => {
    // Somebody else may have built it while we waited.
    if (!(await exists(folder))) await build(folder);
  });
  return programs;
}

async function build(folder: string): Promise<void> {
  await ensureGo();
  process.stderr.write(`Building kube-apiserver ${VERSION} and etcd for the tests: 3 to 10 minutes, once ...\n`);
  const scratch = await mkdtemp(`${folder}-build-`);
  try {
    // GOGC: the compiler collects its garbage seldom, which saves a quarter of the time.
    const env = { CGO_ENABLED: "0", GOGC: "800", GOFLAGS: "-mod=readonly -buildvcs=false" };
    await buildWithGo(["build", ...FLAGS, "-o", `${scratch}/`, ...PACKAGES], { cwd: import.meta.dirname, env });
    // etcd's main package is called "server".
    await rename(join(scratch, "server"), join(scratch, "etcd"));
    await rename(scratch, folder);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function digestOfInputs(): Promise<string> {
  const hash = createHash("sha256").update(JSON.stringify([FLAGS, PACKAGES]));
  for (const file of ["go.mod", "go.sum"]) hash.update(await readFile(join(import.meta.dirname, file)));
  return hash.digest("hex").slice(0, 16);
}

/** Without these the server does not know its own version, and answers as v0.0.0. */
function linkerFlags(): string {
  const [major, minor] = VERSION.slice(1).split(".");
  const values = { gitVersion: VERSION, gitMajor: major, gitMinor: minor, gitTreeState: "clean", buildDate: "2026-01-01T00:00:00Z" };
  const assignments = ["k8s.io/component-base/version", "k8s.io/client-go/pkg/version"].flatMap((path) =>
    Object.entries(values).map(([name, value]) => `-X ${path}.${name}=${value}`),
  );
  return ["-s", "-w", ...assignments].join(" ");
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
