// What the demonstrations share: they run `./holdfast` as a person would, and say what they see. Exit code 0 only when all happened as told; 1 when not,
// 130 and 143 when stopped. They leave nothing behind.
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { styleText } from "node:util";
import { flipBit } from "./tools/flip-bit.ts";

const root = join(import.meta.dirname, "..");
const passphrase = randomBytes(18).toString("base64url");
const interruption = new AbortController();

/** Runs it; what it throws is the reason why the demonstration failed. Resolves with the verdict's words, and says them. */
export async function runDemo(demonstrate: () => Promise<string>): Promise<void> {
  const started = performance.now();
  listen();
  try {
    const verdict = await demonstrate();
    const seconds = ((performance.now() - started) / 1000).toFixed(0);
    say(`\n${styleText(["bold", "green"], "PASS")}: ${verdict} (${seconds} s). Nothing is left behind.`);
  } catch (error) {
    process.exitCode ||= 1;
    const message = error instanceof Error ? error.message : String(error);
    if (interruption.signal.aborted) say(`\n${styleText(["bold", "yellow"], "STOPPED")}: nothing is left behind`);
    else say(`\n${styleText(["bold", "red"], "FAIL")}: ${message}`);
  }
}

function listen(): void {
  for (const [name, code] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const) {
    process.once(name, () => {
      process.exitCode = code;
      interruption.abort(new Error("The demo was stopped"));
    });
  }
}

/** To be called before each thing that takes a while. */
export function throwIfStopped(): void {
  interruption.signal.throwIfAborted();
}

/** How a person would set up their shell. */
export function showShell(): void {
  say(`  $ cd ${root}`);
  say(`  $ export RESTIC_PASSWORD=${passphrase}   # made for this demo only`);
}

/** Runs `./holdfast` as a person would, shows what it prints, and returns that. */
export async function expectExit(code: number, args: readonly string[]): Promise<string> {
  throwIfStopped();
  say(`  $ ./holdfast ${args.map((word) => (/[()$*]/.test(word) ? `'${word}'` : word)).join(" ")}`);
  const env = { ...process.env, RESTIC_PASSWORD: passphrase, HOLDFAST_LOG_FORMAT: "text" };
  const child = spawn(join(root, "holdfast"), args, { env, stdio: ["ignore", "pipe", "pipe"], signal: interruption.signal });
  let printed = "";
  for (const output of [child.stdout, child.stderr]) output.setEncoding("utf8").on("data", (text: string) => (printed += text));
  const actual = await exitCodeOf(child);
  throwIfStopped();
  for (const line of printed.trimEnd().split("\n")) say(styleText("dim", `    ${line}`));
  check(actual === code, `exit code ${actual}`, `"holdfast ${args[0]}" ended with exit code ${actual} instead of ${code}`);
  return printed;
}

/** Also an aborted child is waited for: it must not write into a directory that is being removed. */
function exitCodeOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve, reject) => {
    child.once("close", resolve);
    child.once("error", (error) => {
      if (error.name !== "AbortError") reject(error);
    });
  });
}

/** Flips one bit of the first object whose name holds the words, and expects `verify` to name it. */
export async function damageAndCatch(store: string, words = ""): Promise<void> {
  const data = join(store, "holdfast", "data");
  const names = (await readdir(data, { recursive: true })).filter((name) => name.endsWith(".zst.age") && name.includes(words));
  const object = names.sort()[0];
  if (object === undefined) throw new Error(`There is no object below "${data}"`);
  const { byte, bit } = await flipBit(join(data, object));
  const size = (await stat(join(data, object))).size;
  say(`  flipped bit ${bit} of byte ${byte.toLocaleString("en")} of ${size.toLocaleString("en")} in data/${object}`);
  const printed = await expectExit(3, ["verify", "--store", store]);
  check(printed.includes(`data/${object}`), `verify names data/${object}`, `verify failed without naming data/${object}`);
}

/** Says the fact when it is one. @throws Error with the failure when not */
export function check(isTrue: boolean, fact: string, failure: string): void {
  if (!isTrue) throw new Error(failure);
  say(`  ${styleText("green", "✓")} ${fact}`);
}

export async function temporaryDirectory(): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), "holdfast-demo-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 5 }) };
}

export function title(words: string): void {
  say(styleText("bold", words));
}

export function step(number: number, words: string): void {
  say(`\n${styleText("bold", `${number}. ${words}`)}`);
}

export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
