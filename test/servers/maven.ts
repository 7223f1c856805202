// Distributions from Maven's repositories, unpacked once into the cache.
import { mkdir, mkdtemp, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { cacheDirectory, ensureProgram } from "./install.ts";

const PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1";

/** "group:artifact:version" of a zip archive → the folder that is its only content. */
export async function ensureMavenZip(coordinates: string, name: string): Promise<string> {
  return ensureOnce(name, async (build) => {
    await maven(build, `${PLUGIN}:copy`, `-Dartifact=${coordinates}:zip`, `-DoutputDirectory=${build}`);
    const zip = (await readdir(build)).find((each) => each.endsWith(".zip"));
    if (zip === undefined) throw new Error(`Maven brought no archive for ${coordinates}`);
    await mkdir(join(build, "content"));
    await ensureProgram("unzip");
    await execa("unzip", ["-q", join(build, zip), "-d", join(build, "content")]);
    const [folder, ...others] = await readdir(join(build, "content"));
    if (folder === undefined || others.length > 0) throw new Error(`The archive of ${coordinates} holds more than one folder`);
    return join(build, "content", folder);
  });
}

/** "group:artifact:version" of a library → a folder with its jar and those of everything that it needs. */
export async function ensureMavenJars(coordinates: string, name: string): Promise<string> {
  return ensureOnce(name, async (build) => {
    const [group, artifact, version] = coordinates.split(":") as [string, string, string];
    await writeFile(
      join(build, "pom.xml"),
      pom(`<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency>`),
    );
    await maven(build, `${PLUGIN}:copy-dependencies`, `-DoutputDirectory=${join(build, "jars")}`);
    return join(build, "jars");
  });
}

async function ensureOnce(name: string, fetch: (build: string) => Promise<string>): Promise<string> {
  const folder = join(cacheDirectory(), "java", name);
  if (await exists(folder)) return folder;
  await mkdir(dirname(folder), { recursive: true });
  const build = await mkdtemp(join(dirname(folder), "fetch-"));
  try {
    const content = await fetch(build);
    await rename(content, folder).catch(async (error: unknown) => {
      // Somebody else was faster.
      if (!(await exists(folder))) throw error;
    });
  } finally {
    await rm(build, { recursive: true, force: true });
  }
  return folder;
}

/** Up to three times: a download may stumble, and what has come stays in Maven's own repository. */
async function maven(cwd: string, ...args: readonly string[]): Promise<void> {
  await ensureProgram("mvn");
  for (let attempt = 1; ; attempt += 1) {
    try {
      // It remembers that something could not be fetched, and would not try again.
      await execa("mvn", ["--quiet", "--batch-mode", "--update-snapshots", ...args], { cwd });
      return;
    } catch (error) {
      if (attempt === 3) throw error;
      await new Promise((resolve) => setTimeout(resolve, 5_000));
    }
  }
}

function pom(dependencies: string): string {
  return `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>test</groupId><artifactId>servers</artifactId><version>1</version><packaging>pom</packaging>
<dependencies>${dependencies}</dependencies></project>
`;
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
