import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isAlive, outputOf, spawnJava, stopJava } from "../../servers/java-server.ts";

// Any program will do: a shell with a child of its own stands for a launcher with its server.
const SERVER = ["-c", "echo ready; sleep 1000 & wait"];

test("a server is ended and its directory removed when its owner is killed", async () => {
  const owner = spawn("sleep", ["1000"]);
  const server = await spawnJava("sh", {
    args: SERVER,
    env: {},
    directory: makeDirectory(),
    ownerPid: owner.pid as number,
    isUnprivileged: false,
  });
  await until(() => outputOf(server) === "ready\n");

  owner.kill("SIGKILL");
  await once(owner, "exit");
  await until(() => !existsSync(server.directory));

  expect(isAlive(server)).toBe(false);
});

test("an owner that ended and that nobody reaped is no owner", async () => {
  // The shell becomes a program that never asks after its child.
  const parent = spawn("sh", ["-c", "sleep 1000 & echo $!; exec sleep 1000"]);
  const [printed] = (await once(parent.stdout, "data")) as [Buffer];
  const ownerPid = Number(printed);
  const server = await spawnJava("sh", { args: SERVER, env: {}, directory: makeDirectory(), ownerPid, isUnprivileged: false });

  process.kill(ownerPid, "SIGKILL");
  await until(() => !existsSync(server.directory));
  parent.kill("SIGKILL");
  await once(parent, "exit");

  expect(isAlive(server)).toBe(false);
});

test("stopping a server ends all its processes, and can be done twice", async () => {
  const server = await spawnJava("sh", { args: SERVER, env: {}, directory: makeDirectory(), ownerPid: process.pid, isUnprivileged: true });
  await until(() => outputOf(server) === "ready\n");
  const wasAlive = isAlive(server);

  await stopJava(server);
  await stopJava(server);

  expect(wasAlive).toBe(true);
  expect(isAlive(server)).toBe(false);
  expect(existsSync(server.directory)).toBe(false);
});

test("a program that is not there is an error, not a server", async () => {
  const directory = makeDirectory();

  const started = spawnJava("/no/such/program", { args: [], env: {}, directory, ownerPid: process.pid, isUnprivileged: false });

  await expect(started).rejects.toThrow("ENOENT");
  rmSync(directory, { recursive: true });
});

function makeDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "holdfast-java-"));
  for (const name of ["config", "data", "logs", "tmp"]) mkdirSync(join(directory, name));
  return directory;
}

async function until(isDone: () => boolean): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!isDone()) {
    if (Date.now() > deadline) throw new Error("It did not come to pass within 20 seconds");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
