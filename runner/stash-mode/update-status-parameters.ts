// The command line of Stash's update-status, the step that follows the addon's.
import { ParameterError } from "../errors.ts";
import type { ParametersOf } from "../parameters.ts";
import { integritySample } from "../runner-parameters.ts";
import { bool, commonParameters, ignoredParameters, required, storeParameters, text } from "./stash-parameters.ts";

export const updateStatusParameters = {
  ...commonParameters,
  ...storeParameters,
  namespace: required("namespace", { expected: "a namespace", help: "Namespace of the session" }),
  outputDir: required("output-dir", { placeholder: "DIR", expected: "a directory", help: "Where the step before left output.json" }),
  backupsession: text("backupsession", { expected: "the name of a BackupSession", help: "Session of a backup; of a restore when absent" }),
  invokerKind: text("invoker-kind", { expected: "a kind", help: "BackupConfiguration, BackupBatch, or RestoreSession" }),
  invokerName: text("invoker-name", { expected: "a name", help: "Name of the invoker; of a restore's session" }),
  targetKind: text("target-kind", { expected: "a kind", help: "Kind of the target", default: "AppBinding" }),
  targetName: text("target-name", { expected: "a name", help: "Name of the target" }),
  targetNamespace: text("target-namespace", { expected: "a namespace", help: "Namespace of the target; --namespace when absent" }),
  isMetricsEnabled: bool("metrics-enabled", "Push metrics"),
  pushgateway: text("metrics-pushgateway-url", { expected: "a URL", help: "Pushgateway that gets the metrics" }),
  metricLabels: text("metrics-labels", { expected: "labels such as a=b,c=d", help: "Labels for every series" }),
  integritySample,
  ...ignoredParameters,
};

export type UpdateStatusParameters = ParametersOf<typeof updateStatusParameters>;

/** "a=b,c=d". @throws ParameterError */
export function readLabels(words: string | undefined): Readonly<Record<string, string>> | undefined {
  if (words === undefined) return undefined;
  const pairs = words.split(",").map((pair) => /^\s*([A-Za-z_][A-Za-z0-9_]*)=(.*)$/.exec(pair));
  if (pairs.includes(null)) throw new ParameterError(`--metrics-labels is "${words}": expected labels such as a=b,c=d`);
  return Object.fromEntries(pairs.map((pair) => [pair?.[1], pair?.[2]]));
}
