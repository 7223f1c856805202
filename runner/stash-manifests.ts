import * as z from "zod";
import { ParameterError } from "./errors.ts";
import type { DatabaseFunction, StashCatalogArguments, StashCommand } from "./function.ts";
import { printObjects } from "./kubernetes/print-objects.ts";
import { imageParts } from "./kubernetes/resolve-image.ts";
import { textParameter } from "./parameter-kinds.ts";
import type { ParametersOf } from "./parameters.ts";
import { printedGateway } from "./printed-gateway.ts";
import type { Success } from "./report.ts";
import { snapshotsParameters } from "./runner-parameters.ts";

const { manifests, kubeconfig, master, timeout, report, terminationLog, logFormat, logLevel, json } = snapshotsParameters;

export const stashManifestsParameters = {
  image: {
    ...textParameter({
      flag: "image",
      env: ["HOLDFAST_IMAGE"],
      placeholder: "IMAGE",
      expected: "an image",
      help: "Image of every Function",
    }),
    schema: z.string().min(1),
  },
  pushgatewayUrl: textParameter({
    flag: "pushgateway-url",
    env: ["PROMETHEUS_PUSHGATEWAY_URL"],
    placeholder: "URL",
    expected: "a URL",
    help: "Where update-status pushes metrics; nowhere when absent",
  }),
  engines: textParameter({
    flag: "engines",
    env: [],
    placeholder: "ENGINE,…",
    expected: "engines, separated by commas",
    help: "Only the Functions and Tasks of these; all when absent",
  }),
  json: { ...json, help: "Print JSON, and not YAML" },
  // Of no use here; every command takes them.
  manifests,
  kubeconfig,
  master,
  timeout,
  report,
  terminationLog,
  logFormat,
  logLevel,
};

export type StashManifestsParameters = ParametersOf<typeof stashManifestsParameters>;

export interface StashManifestsParts {
  readonly functions: readonly DatabaseFunction[];
  print(text: string): Promise<void>;
}

/** Prints Functions and Tasks under Stash's own names, as Stash ships them, with this image: applied over Stash's they change nothing else. @throws ParameterError */
export async function showStashManifests(parameters: StashManifestsParameters, parts: StashManifestsParts): Promise<Success> {
  const { image, pushgatewayUrl, json } = parameters;
  imageParts(image, "--image");
  const commands = commandsOf(parts.functions, parameters.engines);
  const gateway = printedGateway(pushgatewayUrl);
  // A dollar sign in it would be read as a variable when the Job is made.
  const objects = stashObjects(commands, { image, gateway: gateway.replaceAll("$", "$$$$") });
  await parts.print(printObjects(objects, { json }));
  return { message: `${objects.length} object(s)`, counts: { objects: objects.length } };
}

export interface StashObject {
  readonly apiVersion: string;
  readonly kind: "Function" | "Task";
  readonly metadata: { readonly name: string };
  readonly spec: Readonly<Record<string, unknown>>;
}

/** Functions and Tasks of these commands, and update-status; the gateway is a template, as all arguments are. */
export function stashObjects(
  commands: readonly StashCommand[],
  { image, gateway }: { readonly image: string; readonly gateway: string },
): readonly StashObject[] {
  return [...commands.flatMap((command) => addonObjects(command, image)), updateStatusFunction(image, gateway)];
}

function commandsOf(functions: readonly DatabaseFunction[], wanted: string | undefined): readonly StashCommand[] {
  const known = functions.filter(({ stash }) => stash !== undefined);
  const engines = new Set(known.map(({ engine }) => engine));
  const chosen = wanted === undefined ? engines : new Set(wanted.split(",").map((engine) => engine.trim()));
  const unknown = [...chosen].filter((engine) => !engines.has(engine));
  if (unknown.length > 0) {
    throw new ParameterError(`--engines names "${unknown.join('", "')}", which has no Functions here`, {
      hint: `There is ${[...engines].join(", ")}`,
    });
  }
  return known.filter(({ engine }) => chosen.has(engine)).flatMap(({ stash }) => stash ?? []);
}

const OUTPUT = { name: "outputDir", value: "/stash-tmp/output" };

function addonObjects({ name: command, catalog }: StashCommand, image: string): readonly StashObject[] {
  return catalog.versions.flatMap((version) => {
    const name = `${catalog.name}-${version}`;
    const steps = [name, "update-status"].map((each) => ({ name: each, params: [OUTPUT] }));
    return [functionObject(name, { image, args: [command, ...catalog.args(commonArguments, version)] }), objectOf("Task", name, { steps })];
  });
}

function functionObject(name: string, spec: { readonly image: string; readonly args: readonly string[] }): StashObject {
  return objectOf("Function", name, spec);
}

function objectOf(kind: StashObject["kind"], name: string, spec: object): StashObject {
  return { apiVersion: "stash.appscode.com/v1beta1", kind, metadata: { name }, spec: { ...spec } };
}

function flag(name: string, variable: string, fallback?: string): string {
  return `--${name}=\${${variable}${fallback === undefined ? "" : `:=${fallback}`}}`;
}

const place = [
  flag("provider", "REPOSITORY_PROVIDER", ""),
  flag("bucket", "REPOSITORY_BUCKET", ""),
  flag("endpoint", "REPOSITORY_ENDPOINT", ""),
  flag("insecure-tls", "REPOSITORY_INSECURE_TLS", ""),
  flag("region", "REPOSITORY_REGION", ""),
  flag("path", "REPOSITORY_PREFIX", ""),
];
const scratch = "--scratch-dir=/stash-tmp";
const limits = [flag("enable-cache", "ENABLE_CACHE", "true"), flag("max-connections", "MAX_CONNECTIONS", "0")];

const commonArguments: StashCatalogArguments = {
  backend: [
    ...place,
    flag("storage-secret-name", "REPOSITORY_SECRET_NAME", ""),
    flag("storage-secret-namespace", "REPOSITORY_SECRET_NAMESPACE", ""),
    scratch,
    ...limits,
  ],
  target: [
    flag("namespace", "NAMESPACE", "default"),
    flag("appbinding", "TARGET_NAME", ""),
    flag("appbinding-namespace", "TARGET_NAMESPACE", ""),
  ],
  retention: [
    flag("retention-keep-last", "RETENTION_KEEP_LAST", "0"),
    flag("retention-keep-hourly", "RETENTION_KEEP_HOURLY", "0"),
    flag("retention-keep-daily", "RETENTION_KEEP_DAILY", "0"),
    flag("retention-keep-weekly", "RETENTION_KEEP_WEEKLY", "0"),
    flag("retention-keep-monthly", "RETENTION_KEEP_MONTHLY", "0"),
    flag("retention-keep-yearly", "RETENTION_KEEP_YEARLY", "0"),
    flag("retention-keep-tags", "RETENTION_KEEP_TAGS", ""),
    flag("retention-prune", "RETENTION_PRUNE", "false"),
    flag("retention-dry-run", "RETENTION_DRY_RUN", "false"),
  ],
  flag,
};

function updateStatusFunction(image: string, gateway: string): StashObject {
  const args = [
    "update-status",
    ...place,
    ...limits,
    flag("namespace", "NAMESPACE", "default"),
    flag("backupsession", "BACKUP_SESSION", ""),
    flag("storage-secret-name", "REPOSITORY_SECRET_NAME"),
    flag("storage-secret-namespace", "REPOSITORY_SECRET_NAMESPACE"),
    flag("invoker-kind", "INVOKER_KIND", ""),
    flag("invoker-name", "INVOKER_NAME", ""),
    flag("target-kind", "TARGET_KIND", ""),
    flag("target-name", "TARGET_NAME", ""),
    flag("target-namespace", "TARGET_NAMESPACE", ""),
    flag("output-dir", "outputDir", ""),
    "--metrics-enabled=true",
    scratch,
    `--metrics-pushgateway-url=${gateway}`,
  ];
  return functionObject("update-status", { image, args });
}
