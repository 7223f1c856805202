import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { verifyRepository } from "../../runner/inspect.ts";
import { parseParameters } from "../../runner/parameters.ts";
import { verifyParameters } from "../../runner/runner-parameters.ts";
import { openOrCreateRepository } from "../../runner/snapshot/repository.ts";
import { DirectoryStore } from "../../runner/storage/directory-store.ts";
import { passphrase, takeSnapshot } from "./snapshot/snapshot-parts.ts";

let folder: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "holdfast-inspect-"));
  const repository = await openOrCreateRepository(new DirectoryStore(folder), { passphrase, warn: () => undefined });
  await takeSnapshot(repository, { a: Buffer.from("some bytes") });
});
afterEach(() => rmSync(folder, { recursive: true }));

async function verify(options: { cannotPrint?: boolean } = {}) {
  const printed: string[] = [];
  const { signal } = new AbortController();
  const ignore = () => undefined;
  const parts = {
    version: "0.0.0",
    signal,
    log: { debug: ignore, info: ignore, warn: ignore, error: ignore },
    redact: (text: string) => text,
    sources: {
      environment: { RESTIC_PASSWORD: passphrase.reveal() },
      remember: ignore,
      signal,
      cluster: () => Promise.reject(new Error("No cluster is used")),
    },
    warn: ignore,
    progress: ignore,
    print: async (text: string) => {
      if (options.cannotPrint) throw new Error("Cannot print");
      printed.push(text);
    },
  };
  const parameters = parseParameters(verifyParameters, { flags: { store: folder }, environment: {} });
  const outcome = await verifyRepository(parameters, parts).catch((error: unknown) => error);
  return { outcome, printed: printed.join("") };
}

test("a sound repository verifies", async () => {
  const { outcome, printed } = await verify();

  expect(outcome).toMatchObject({ counts: { snapshots: 1, problems: 0 } });
  expect(printed).toContain("1 snapshot(s), 1 of 1 object(s) read");
});

test.each(["repository.json", "keys/1.age"])("a damaged %s fails a verification, although its copy opens the repository", async (name) => {
  writeFileSync(join(folder, "holdfast", name), "garbage");

  const { outcome, printed } = await verify();

  expect(outcome).toMatchObject({ exitCode: 3, reason: "VerificationFailed", facts: { objectsRead: 1 } });
  expect(printed).toMatch(new RegExp(`^holdfast/${name}: `));
});

test.each([false, true])("a damaged object fails a verification, also when that cannot be printed (%s)", async (cannotPrint) => {
  const object = readdirSync(folder, { recursive: true })
    .map(String)
    .find((name) => name.endsWith(".zst.age")) as string;
  writeFileSync(join(folder, object), readFileSync(join(folder, object)).fill(0, 200, 205));

  const { outcome } = await verify({ cannotPrint });

  expect(outcome).toMatchObject({ exitCode: 3, facts: { problems: [{ key: object }] } });
});

test("a result that cannot be printed is no success", async () => {
  const { outcome } = await verify({ cannotPrint: true });

  expect(outcome).toMatchObject({ message: "Cannot print" });
});
