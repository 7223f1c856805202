// An installation of Stash as far as its addon sees it: objects in files, and the Functions that it ships.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { HostStats } from "../../runner/kubernetes/status-hosts.ts";
import type { TargetRef } from "../../runner/kubernetes/status-target.ts";
import {
  type ShippedVariables,
  shippedBackupArguments,
  shippedEsBackupArguments,
  shippedEsRestoreArguments,
  shippedRestoreArguments,
} from "../unit/stash-mode/shipped-arguments.ts";
import { type HoldfastOptions, type Outcome, PASSPHRASE, type RunningHoldfast, runHoldfast, startHoldfast } from "./holdfast-process.ts";

export interface OutputJson {
  readonly targetStatus: { readonly ref: TargetRef; readonly stats: readonly HostStats[] };
}

export interface StashOutcome extends Outcome {
  /** Undefined when there is none. */
  readonly output: OutputJson | undefined;
}

export interface StashInstallation extends Disposable {
  readonly folder: string;
  /** Where the backups lie, with the variables' default provider. */
  readonly store: string;
  readonly outputFile: string;
  /** Writes an AppBinding of namespace "demo", and its Secret when there are credentials. */
  appBinding(name: string, spec: Readonly<Record<string, unknown>>, credentials?: Readonly<Record<string, string>>): void;
  secret(name: string, namespace: string, values: Readonly<Record<string, string>>): void;
  object(object: Readonly<Record<string, unknown>> & { readonly kind: string }): void;
  /** Runs the shipped Function for the AppBinding, as the operator would. */
  backup(targetName: string, variables?: ShippedVariables, options?: StashOptions): Promise<StashOutcome>;
  restore(targetName: string, variables?: ShippedVariables, options?: StashOptions): Promise<StashOutcome>;
  startBackup(targetName: string, variables?: ShippedVariables): RunningHoldfast;
  output(): OutputJson | undefined;
  /** What the next container of the Job would find. */
  snapshots(): Promise<{ readonly id: string; readonly target: string; readonly host: string }[]>;
}

export interface StashOptions extends HoldfastOptions {
  readonly more?: readonly string[];
}

const SHIPPED = {
  redis: { backup: shippedBackupArguments, restore: shippedRestoreArguments },
  elasticsearch: { backup: shippedEsBackupArguments, restore: shippedEsRestoreArguments },
};

export function makeStashInstallation(engine: keyof typeof SHIPPED = "redis"): StashInstallation {
  const shipped = SHIPPED[engine];
  const folder = mkdtempSync(join(tmpdir(), "holdfast-stash-"));
  const [store, outputDir] = [join(folder, "store"), join(folder, "scratch/output")];
  const outputFile = join(outputDir, "output.json");
  let count = 0;
  const object: StashInstallation["object"] = (content) => {
    count += 1;
    writeFileSync(join(folder, `${count}-${content.kind}.yaml`), JSON.stringify(content));
  };
  const secret: StashInstallation["secret"] = (name, namespace, values) => {
    object({ apiVersion: "v1", kind: "Secret", metadata: { name, namespace }, stringData: values });
  };
  secret("storage", "demo", { RESTIC_PASSWORD: PASSPHRASE });
  const fill = (targetName: string, variables: ShippedVariables = {}): ShippedVariables => ({
    ...{ provider: "local", bucket: store, insecureTls: "false", secretName: "storage", secretNamespace: "demo" },
    ...{ namespace: "demo", targetName, targetNamespace: "demo", outputDir, waitTimeout: "5" },
    ...variables,
  });
  // RESTIC_PASSWORD comes from the storage Secret alone
  const withOwn = (args: readonly string[], { more = [], ...options }: StashOptions = {}) =>
    [[...args, "--manifests", folder, ...more], { ...options, env: { RESTIC_PASSWORD: "", ...options.env } }] as const;
  const output = (): OutputJson | undefined => {
    try {
      return JSON.parse(readFileSync(outputFile, "utf8"));
    } catch (error) {
      if (["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) return undefined;
      throw error;
    }
  };
  const run = async (args: readonly string[], options?: StashOptions) => ({
    ...(await runHoldfast(...withOwn(args, options))),
    output: output(),
  });
  return {
    ...{ folder, store, outputFile, object, secret, output },
    appBinding(name, spec, credentials) {
      if (credentials !== undefined) secret(`${name}-auth`, "demo", credentials);
      const auth = credentials === undefined ? {} : { secret: { name: `${name}-auth` } };
      const metadata = { name, namespace: "demo" };
      object({ apiVersion: "appcatalog.appscode.com/v1alpha1", kind: "AppBinding", metadata, spec: { ...spec, ...auth } });
    },
    backup: (targetName, variables, options) => run(shipped.backup(fill(targetName, variables)), options),
    restore: (targetName, variables, options) => run(shipped.restore(fill(targetName, variables)), options),
    startBackup: (targetName, variables) => startHoldfast(...withOwn(shipped.backup(fill(targetName, variables)))),
    async snapshots() {
      const list = await runHoldfast(["snapshots", "--store", store, "--json"]);
      if (list.exitCode === 10) return [];
      if (list.exitCode !== 0) throw new Error(list.stderr);
      return JSON.parse(list.stdout);
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** How an AppBinding names a server of the tests. */
export function serverAt(port: number | undefined, scheme = "redis") {
  return { clientConfig: { url: `${scheme}://127.0.0.1:${port}` } };
}
