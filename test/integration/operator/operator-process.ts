// The operator as the process that the image runs, in its account's name with the roles that we ship.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { build } from "esbuild";
import { NAMESPACE } from "../../../deploy/names.ts";

const ROOT = join(import.meta.dirname, "../../..");

export interface OperatorProcess extends AsyncDisposable {
  readonly pid: number;
  /** Lines of its log, parsed. */
  readonly log: readonly Readonly<Record<string, unknown>>[];
  readonly isOver: boolean;
  /** Resolves once the log holds a line with this message. @throws when it ends before */
  logged(message: string): Promise<Readonly<Record<string, unknown>>>;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
}

export interface OperatorProcessOptions {
  /** Path of the program: from `bundleProgram`. */
  readonly program: string;
  readonly kubeconfig: string;
  readonly nodeFlags?: readonly string[];
  readonly flags?: readonly string[];
}

/** The sources as they are now, as one file in the folder: a process that is started often must start fast. Resolves with its path. */
export async function bundleProgram(folder: string): Promise<string> {
  const banner = 'import { createRequire as bundleRequire } from "node:module"; const require = bundleRequire(import.meta.url);';
  await build({
    entryPoints: { holdfast: join(ROOT, "runner/main.ts") },
    outdir: folder,
    outExtension: { ".js": ".mjs" },
    ...{ bundle: true, splitting: true, platform: "node", mainFields: ["module", "main"], format: "esm", target: "node26" },
    minify: true,
    keepNames: true,
    logLevel: "warning",
    banner: { js: banner },
  });
  return join(folder, "holdfast.mjs");
}

export function startOperatorProcess({ program, kubeconfig, nodeFlags = [], flags = [] }: OperatorProcessOptions): OperatorProcess {
  const own = ["--kubeconfig", kubeconfig, "--namespace", NAMESPACE, "--image", "registry.example/holdfast:1", "--listen", "127.0.0.1:0"];
  const args = [...nodeFlags, program, "operator", ...own, "--log-format", "json", "--termination-log", "/dev/null", ...flags];
  const child = spawn(process.execPath, args, { env: { PATH: process.env.PATH ?? "" }, stdio: ["ignore", "pipe", "pipe"] });
  return new RunningProcess(child);
}

class RunningProcess implements OperatorProcess {
  readonly log: Readonly<Record<string, unknown>>[] = [];
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  readonly #news = new EventTarget();
  isOver = false;

  constructor(child: ChildProcess) {
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      if (stream === null) throw new Error("The process has no output");
      createInterface({ input: stream }).on("line", (line) => {
        this.log.push(line.startsWith("{") ? JSON.parse(line) : { msg: line });
        this.#news.dispatchEvent(new Event("news"));
      });
    }
    this.#exited = once(child, "exit").then(() => {
      this.isOver = true;
      this.#news.dispatchEvent(new Event("news"));
    });
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  async logged(message: string): Promise<Readonly<Record<string, unknown>>> {
    for (;;) {
      const found = this.log.find((line) => String(line.msg ?? line.message).includes(message));
      if (found !== undefined) return found;
      if (this.isOver) throw new Error(`The operator ended without "${message}": ${JSON.stringify(this.log.slice(-5))}`);
      await new Promise((resolve) => this.#news.addEventListener("news", resolve, { once: true }));
    }
  }

  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#exited;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill();
  }
}
