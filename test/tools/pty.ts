import { execa } from "execa";
import { ensureProgram } from "../servers/install.ts";

const SCRIPT = new URL("pty-run.py", import.meta.url).pathname;

/** Runs a command on a terminal of its own, types the passphrase when asked, and resolves with what it printed; rejects on an exit code other than 0. */
export async function runOnTerminal(
  command: readonly string[],
  options: { passphrase: string; cwd: string; env?: Readonly<Record<string, string>> },
): Promise<string> {
  const python = await ensureProgram("python3");
  const env = { ...options.env, PTY_ANSWER: options.passphrase };
  const { stdout } = await execa(python, [SCRIPT, ...command], { cwd: options.cwd, env, stdin: "ignore", timeout: 60_000 });
  return stdout;
}
