// How long it takes from the start of the process to its first request to a Kubernetes API: what every pod pays before it does anything.
// Needs dist/holdfast.mjs. Usage: node test/benchmark/cold-start.ts [RUNS]
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer as createHttpServer, type RequestListener } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeCertificates } from "../servers/certificates.ts";
import { markdownTable, spread } from "./table.ts";

interface Candidate {
  readonly name: string;
  readonly args: readonly string[];
  readonly hasCompileCache: boolean;
}

const GOAL_MS = 350;
const program = process.env.HOLDFAST_PROGRAM ?? join(import.meta.dirname, "../../dist/holdfast.mjs");
const runs = Number(process.argv[2] ?? 20);
const directory = await mkdtemp(join(tmpdir(), "holdfast-cold-start-"));
let arrived: (() => void) | undefined;

try {
  await measure();
} finally {
  await rm(directory, { recursive: true, force: true });
}

async function measure(): Promise<void> {
  const receive: RequestListener = (_request, response) => {
    arrived?.();
    response.writeHead(503).end();
  };
  const files = await makeCertificates(directory);
  const tls = { cert: await readFile(files.serverCert), key: await readFile(files.serverKey) };
  const [plain, secure] = [createHttpServer(receive), createHttpsServer(tls, receive)];
  for (const server of [plain, secure]) await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const candidates = await candidatesFor(portOf(plain), { securePort: portOf(secure), ca: files.ca });
    const times = new Map(candidates.map((candidate) => [candidate, [] as number[]]));
    // One round more than is counted: it fills the compile cache and the page cache. Interleaved, so that noise meets all alike.
    for (let run = 0; run <= runs; run++) {
      for (const [candidate, values] of times) {
        const ms = await timeToRequest(candidate);
        if (run > 0) values.push(ms);
      }
    }
    const rows = [...times].map(([{ name, hasCompileCache }, values]) => [name, hasCompileCache ? "yes" : "no", spread(values, 0)]);
    process.stdout.write(markdownTable(["until the first request", "compile cache", `ms, median of ${runs} (least–most)`], rows));
    process.stdout.write(`Goal: ${GOAL_MS} ms with a compile cache\n`);
  } finally {
    for (const server of [plain, secure]) {
      server.closeAllConnections();
      server.close();
    }
  }
}

async function candidatesFor(port: number, { securePort, ca }: { securePort: number; ca: string }): Promise<Candidate[]> {
  const kubeconfig = join(directory, "kubeconfig");
  const config = {
    clusters: [{ name: "c", cluster: { server: `https://127.0.0.1:${securePort}`, "certificate-authority": ca } }],
    users: [{ name: "u", user: { token: "benchmark" } }],
    contexts: [{ name: "c", context: { cluster: "c", user: "u" } }],
    "current-context": "c",
  };
  await writeFile(kubeconfig, JSON.stringify(config));
  const bare = join(directory, "bare.mjs");
  await writeFile(bare, `import { get } from "node:http"; get("http://127.0.0.1:${port}/").on("error", () => {});\n`);
  const command = [program, "snapshots", "--repository", "cellar"];
  const all = [
    { name: "Node alone, one GET", args: [bare] },
    { name: "holdfast snapshots, without a kubeconfig (as in a pod)", args: [...command, "--master", `http://127.0.0.1:${port}`] },
    { name: "holdfast snapshots, with a kubeconfig", args: [...command, "--kubeconfig", kubeconfig] },
  ];
  return all.flatMap((each) => [true, false].map((hasCompileCache) => ({ ...each, hasCompileCache })));
}

async function timeToRequest({ name, args, hasCompileCache }: Candidate): Promise<number> {
  const { NODE_COMPILE_CACHE: _cache, KUBECONFIG: _config, KUBERNETES_SERVICE_HOST: _host, ...inherited } = process.env;
  const env = { ...inherited, RESTIC_PASSWORD: "benchmark", ...(hasCompileCache ? { NODE_COMPILE_CACHE: join(directory, "cache") } : {}) };
  const request = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  const begin = performance.now();
  const child = spawn(process.execPath, args, { env, stdio: ["ignore", "ignore", "pipe"] });
  let printed = "";
  child.stderr.on("data", (text) => {
    printed += text;
  });
  const exited = once(child, "close");
  const failed = exited.then(() => {
    throw new Error(`"${name}" ended without a request: ${printed}`);
  });
  failed.catch(() => undefined);
  await Promise.race([request, failed]);
  const ms = performance.now() - begin;
  // The compile cache is written at the end: by SIGTERM, which is obeyed, not by SIGKILL.
  child.kill("SIGTERM");
  await exited;
  return ms;
}

function portOf(server: { address(): AddressInfo | string | null }): number {
  return (server.address() as AddressInfo).port;
}
