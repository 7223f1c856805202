// How long the program of the image takes from its start to its first request to a Kubernetes API, and the memory it has by then: without
// a container runtime's own time, in the image's root filesystem. As root. Usage: node test/benchmark/image-start.ts [RUNS]
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { ensureImage } from "../servers/docker/ensure-image.ts";
import { markdownTable, spread } from "./table.ts";

interface Candidate {
  readonly name: string;
  readonly user: number;
  readonly env?: Readonly<Record<string, string>>;
}

const GOAL_MS = 350;
const CANDIDATES: readonly Candidate[] = [
  { name: "the image's own user, code from the compile cache", user: 65_532 },
  { name: "any other user, code compiled anew", user: 12_345 },
  { name: "the image's own user, traces with source maps", user: 65_532, env: { NODE_OPTIONS: "--enable-source-maps" } },
];
const runs = Number(process.argv[2] ?? 20);
const folder = await mkdtemp(join(tmpdir(), "holdfast-image-start-"));
let arrived: (() => void) | undefined;

try {
  await measure(await unpack());
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function unpack(): Promise<string> {
  const { tar } = await ensureImage();
  const root = join(folder, "root");
  await execa("mkdir", [root]);
  // Its users must reach it.
  await execa("chmod", ["0755", folder]);
  await execa("tar", ["-xf", tar, "-C", folder]);
  const [{ Layers: layers }] = JSON.parse(await readFile(join(folder, "manifest.json"), "utf8"));
  for (const layer of layers) await execa("tar", ["-xpf", join(folder, layer), "-C", root]);
  return root;
}

async function measure(root: string): Promise<void> {
  const server = createServer((_request, response) => {
    arrived?.();
    response.writeHead(503).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  try {
    const figures = CANDIDATES.map((candidate) => ({ candidate, ms: [] as number[], megabytes: [] as number[] }));
    // One round more than is counted: it fills the page cache. Interleaved, so that noise meets all alike.
    for (let run = 0; run <= runs; run += 1) {
      for (const { candidate, ms, megabytes } of figures) {
        const start = await startOnce(root, candidate, port);
        if (run === 0) continue;
        ms.push(start.ms);
        megabytes.push(start.megabytes);
      }
    }
    const rows = figures.map(({ candidate, ms, megabytes }) => [candidate.name, spread(ms, 0), spread(megabytes, 0)]);
    process.stdout.write(markdownTable(["until the first request", `ms, median of ${runs} (least–most)`, "MB by then"], rows));
    process.stdout.write(`Goal: ${GOAL_MS} ms\n`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

async function startOnce(root: string, { user, env }: Candidate, port: number): Promise<{ ms: number; megabytes: number }> {
  const program = ["/usr/local/bin/node", "--max-semi-space-size=1", "/holdfast/holdfast.mjs"];
  const command = ["snapshots", "--repository", "cellar", "--namespace", "cellar", "--master", `http://127.0.0.1:${port}`];
  const ownEnv = { HOME: "/home/nonroot", NODE_COMPILE_CACHE: "/holdfast/compile-cache", RESTIC_PASSWORD: "benchmark", ...env };
  const request = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  const begin = performance.now();
  const child = spawn("/usr/sbin/chroot", [`--userspec=${user}:${user}`, root, ...program, ...command], {
    env: ownEnv,
    stdio: ["ignore", "ignore", "pipe"],
  });
  let printed = "";
  child.stderr.on("data", (text) => {
    printed += text;
  });
  const exited = once(child, "close");
  const failed = exited.then(() => {
    throw new Error(`The program ended without a request: ${printed}`);
  });
  failed.catch(() => undefined);
  await Promise.race([request, failed]);
  const ms = performance.now() - begin;
  const status = await readFile(`/proc/${child.pid}/status`, "utf8");
  child.kill("SIGTERM");
  await exited;
  return { ms, megabytes: Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1]) / 1024 };
}
