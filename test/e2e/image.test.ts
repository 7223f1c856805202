// The image as a container: as whoever the cluster says, on a root filesystem that nobody can write, with no capability left.
import { chown, mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { execa } from "execa";
import { version } from "../../runner/version.ts";
import { ensureImage, type Image } from "../servers/docker/ensure-image.ts";
import { type Docker, withDocker } from "../servers/docker/start-docker.ts";
import { freePort } from "../servers/free-port.ts";
import { findProgram } from "../servers/install.ts";
import { startRedis } from "../servers/redis-server.ts";
import { PASSPHRASE, ROOT } from "./holdfast-process.ts";
import { type ImageContent, readImageContent } from "./image-content.ts";

const MEGABYTE = 1e6;
const ANYBODY = 12_345;
const RESTRICTED = ["--rm", "--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges"];
let image: Image;
let content: ImageContent;
let docker: Docker;
const finished = Promise.withResolvers<void>();
let stopped: Promise<void>;
let folder: string;

beforeAll(async () => {
  image = await ensureImage();
  content = await readImageContent(image.tar);
  const started = Promise.withResolvers<Docker>();
  stopped = withDocker(async (running) => {
    await running.docker("load", "--input", image.tar);
    started.resolve(running);
    await finished.promise;
  });
  stopped.catch(started.reject);
  docker = await started.promise;
}, 600_000);
afterAll(async () => {
  finished.resolve();
  await stopped;
  await content[Symbol.asyncDispose]();
});
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-image-store-"));
  await chown(folder, ANYBODY, ANYBODY);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test("compressed it is at most 55 MB", async () => {
  const bytes = await content.compressedBytes();

  expect(bytes).toBeGreaterThan(30 * MEGABYTE);
  expect(bytes).toBeLessThanOrEqual(55 * MEGABYTE);
});

test("nothing in it can be run but Node: no shell, no package manager", () => {
  const executable = content.files.filter(({ path, mode }) => /^-.*x/.test(mode) && !/(^|\/)lib[^/]*\//.test(path));
  const suspects = content.files.filter(({ path }) => /(^|\/)(sh|bash|dash|busybox|apt(-get)?|dpkg|apk|npm|npx|corepack|yarn)$/.test(path));

  expect(executable.map(({ path }) => path)).toEqual(["usr/local/bin/node"]);
  expect(suspects.map(({ path }) => path)).toEqual(["var/lib/dpkg"]);
});

test("nobody but root may change what is in it, nothing gains rights, and everybody may read it", () => {
  const { files } = content;
  const plain = files.filter(({ mode }) => !mode.startsWith("l"));

  expect(plain.filter(({ mode }) => mode[8] === "w").map(({ path }) => path)).toEqual(["tmp"]);
  expect(files.filter(({ owner }) => owner !== "0/0")).toEqual([]);
  expect(files.filter(({ mode }) => /^-.*[sS]/.test(mode))).toEqual([]);
  expect(plain.filter(({ mode }) => mode[7] !== "r")).toEqual([]);
});

test("its user is a number that is not root's, and it says what it is", () => {
  const { config } = content.config;

  expect(config.User).toBe("65532:65532");
  expect(config.Entrypoint).toEqual(["/usr/local/bin/node", "--max-semi-space-size=1", "/holdfast/holdfast.mjs"]);
  expect(config.Healthcheck).toBeUndefined();
  expect(config.Labels).toMatchObject({
    "org.opencontainers.image.title": "Holdfast",
    "org.opencontainers.image.licenses": "Apache-2.0",
  });
  expect(Object.values(config.Labels)).not.toContain("");
});

test("it carries the licences of what it was made from, and the code that V8 makes of it", async () => {
  const licences = await content.read("holdfast/LICENCES.txt");
  const paths = content.files.map(({ path }) => path);

  for (const name of ["Node.js", "@aws-sdk/client-s3", "ioredis", "undici", "zod"]) expect(licences).toContain(`\n${name} `);
  for (const name of ["libc6", "ca-certificates"]) expect(paths).toContain(`usr/share/doc/${name}/copyright`);
  expect(paths).toContain("holdfast/holdfast.mjs.map");
  expect(paths.filter((path) => /^holdfast\/compile-cache\/[^/]+-65532\/\w+$/.test(path)).length).toBeGreaterThan(5);
});

test("nothing of the machine that it was built on is in it", async () => {
  const { stdout: mirrors } = await execa("apt-get", ["indextargets", "--format", "$(REPO_URI)"]);
  const { stdout: registry } = await execa("npm", ["config", "get", "registry", "--loglevel=silent"]);
  const hosts = [...mirrors.split("\n"), registry].map((url) => URL.parse(url)?.host).filter((host) => host !== undefined);
  const said = JSON.stringify(content.config);
  const { stdout: ownBundle } = await execa("sh", ["-c", "cat /usr/share/ca-certificates/mozilla/*.crt"]);
  const publicOnes = new Set(certificatesOf(ownBundle));
  const privateOnes = certificatesOf(await readFile("/etc/ssl/certs/ca-certificates.crt", "utf8")).filter((each) => !publicOnes.has(each));
  const carried = certificatesOf(await content.read("etc/ssl/certs/ca-certificates.crt"));

  expect(hosts.length).toBeGreaterThan(1);
  for (const host of hosts) expect(said).not.toContain(host);
  expect(content.config.config.Env.map((each) => each.split("=")[0])).toEqual(["PATH", "HOME", "NODE_COMPILE_CACHE"]);
  expect(carried.length).toBeGreaterThan(100);
  expect(carried.filter((each) => privateOnes.includes(each))).toEqual([]);
  expect(content.files.filter(({ path }) => /npmrc|sources\.list|apt\.conf/.test(path))).toEqual([]);
});

test.each(["--version", "--help"])("%s works as any user, without network, capabilities or a place to write", async (flag) => {
  const args = ["run", ...RESTRICTED, "--network=none", `--user=${ANYBODY}`, image.name, flag];

  const printed = await docker.docker(...args);

  expect(printed).toMatch(flag === "--help" ? /^Usage: holdfast[\s\S]*redis-backup/ : /^holdfast \d+\.\d+\.\d+$/);
});

test("its own user finds V8's code ready, and is not stopped by not being able to add to it", async () => {
  const args = ["run", ...RESTRICTED, "--network=none", "--env=NODE_DEBUG_NATIVE=COMPILE_CACHE", image.name, "--version"];

  const { stdout, stderr } = await execa(docker.command[0] as string, args, { env: docker.env });

  expect(stdout).toMatch(/^holdfast/m);
  expect(`${stdout}${stderr}`).toMatch(/cache for ESM file:\/\/\/holdfast\/holdfast\.mjs was accepted/);
});

test("when asked to, its traces name files and lines of the sources", async () => {
  // The first of our own calls that throws: what ends the process.
  const options = '--enable-source-maps --import "data:text/javascript,process.exit=()=>{throw new Error(`traced`)}"';
  const args = ["run", ...RESTRICTED, "--network=none", `--env=NODE_OPTIONS=${options}`, image.name, "--version"];

  const { exitCode, stderr } = await execa(docker.command[0] as string, args, { env: docker.env, reject: false });

  expect(exitCode).toBe(1);
  expect(stderr).toMatch(/Error: traced[\s\S]*runner\/main\.ts:\d+/);
});

test("a Redis is backed up into a folder by any user, and the snapshot is listed", async () => {
  await using server = await startRedis();
  await server.cli("set", "key", "value");
  const run = (...args: string[]) => docker.docker("run", ...asAnybody(), image.name, ...args);

  await run("redis-backup", "--url", `redis://127.0.0.1:${server.port}`, "--store", "/store", "--verify-after");
  const listed = JSON.parse(await run("snapshots", "--store", "/store", "--json"));

  expect(listed).toMatchObject([{ engine: "redis", target: `URL/127.0.0.1:${server.port}` }]);
});

test("SIGTERM ends it with 143", async () => {
  const url = `redis://127.0.0.1:${await freePort()}`;
  const name = `holdfast-test-${process.pid}`;
  const args = ["run", ...asAnybody(), `--name=${name}`, image.name, "redis-backup", "--url", url, "--store", "/store"];
  const child = execa(docker.command[0] as string, [...args, "--wait-timeout", "60"], { env: docker.env, reject: false });
  await new Promise<void>((resolve, reject) => {
    child.stderr.on("data", (text: Buffer) => /waiting/i.test(text.toString()) && resolve());
    void child.then(({ stderr }) => reject(new Error(`It ended by itself: ${stderr}`)));
  });

  await docker.docker("kill", "--signal=TERM", name);
  const { exitCode } = await child;

  expect(exitCode).toBe(143);
});

test("neither the Dockerfile nor its scripts name an architecture or a registry", async () => {
  const files = ["Dockerfile", "images/runner/make-root.sh", "images/runner/warm-up.mjs"];

  const texts = await Promise.all(files.map((file) => readFile(join(ROOT, file), "utf8")));

  for (const text of texts) expect(text).not.toMatch(/x64|amd64|x86_64|arm64|aarch64|# syntax=|https?:\/\/(?!127\.0\.0\.1)/);
});

test("make image builds and labels it", async () => {
  const name = "localhost/holdfast-made:test";
  const base = (await docker.docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", "localhost/holdfast-build-base")).split("\n")[0];
  const words = ["image", `IMAGE=${name}`, `BUILD_BASE=${base}`, "SOURCE=https://example.test/holdfast", "IMAGE_FLAGS=--network=host"];
  const PATH = `${dirname(docker.command[0] as string)}:${process.env.PATH}`;

  await execa("make", words, { cwd: ROOT, env: { ...docker.env, PATH } });
  const labels = JSON.parse(await docker.docker("image", "inspect", "--format", "{{json .Config.Labels}}", name));
  await docker.docker("image", "rm", name);

  expect(labels).toMatchObject({
    "org.opencontainers.image.version": version,
    "org.opencontainers.image.source": "https://example.test/holdfast",
  });
});

test("without a builder, make image says what is missing", async () => {
  const programs = await Promise.all(["make", "sed", "git"].map(async (name) => (await findProgram(name)) as string));
  for (const program of programs) await symlink(program, join(folder, basename(program)));

  const { exitCode, stderr } = await execa(programs[0] as string, ["image"], { cwd: ROOT, env: { PATH: folder }, reject: false });

  expect(exitCode).toBe(2);
  expect(stderr).toContain("neither docker nor podman nor nerdctl");
});

function asAnybody(): string[] {
  return [...RESTRICTED, "--network=host", `--user=${ANYBODY}`, `--volume=${folder}:/store`, `--env=RESTIC_PASSWORD=${PASSPHRASE}`];
}

function certificatesOf(bundle: string): string[] {
  return bundle.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g)?.map((each) => each.replaceAll(/\s/g, "")) ?? [];
}
