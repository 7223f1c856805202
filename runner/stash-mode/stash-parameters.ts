// The command line of Stash's addons, flag by flag. `--flag=` means that it is not set: that is how their Functions leave a variable out.
import * as z from "zod";
import type { StashCommand } from "../function.ts";
import type { Parameter, ParametersOf, ParameterTable } from "../parameters.ts";
import { backupParameters, snapshotsParameters } from "../runner-parameters.ts";
import { loggingFlags } from "./logging-flags.ts";

interface Words {
  readonly expected: string;
  readonly help: string;
  readonly placeholder?: string;
  readonly default?: string;
}

/** Empty is absent. */
function unlessEmpty<T>(schema: z.ZodType<T>): z.ZodType<T> {
  return z.preprocess((text) => (text === "" ? undefined : text), schema);
}

export function text(flag: string, words: Words): Parameter<string | undefined> {
  return { flag, env: [], placeholder: "VALUE", ...words, schema: unlessEmpty(z.string().optional()) };
}

function textWithDefault(flag: string, words: Words & { default: string }): Parameter<string> {
  return { flag, env: [], placeholder: "NAME", ...words, schema: unlessEmpty(z.string().default(words.default)) };
}

export function required(flag: string, words: Words): Parameter<string> {
  return { flag, env: [], placeholder: "NAME", ...words, schema: z.string().min(1) };
}

const YES = /^(1|t|true)$/i;

/** As Go reads them; an empty one is false. */
export function bool(flag: string, help: string): Parameter<boolean> {
  const schema = unlessEmpty(z.string().default("false"))
    .refine((given) => YES.test(given) || /^(0|f|false)$/i.test(given))
    .transform((given) => YES.test(given));
  return { flag, env: [], placeholder: "BOOL", isValueOptional: true, expected: "true or false", default: "false", help, schema };
}

/** Nothing but off, or empty, is accepted. */
function refusedSwitch(flag: string, why: string): Parameter<boolean> {
  const { schema, ...parts } = bool(flag, "Accepted from Stash's manifests while it is off");
  return { ...parts, expected: `false, since ${why}`, schema: schema.refine((isOn) => !isOn) };
}

function integer(flag: string, help: string): Parameter<number | undefined> {
  const schema = unlessEmpty(
    z
      .string()
      .regex(/^[+-]?\d{1,18}$/)
      .transform(Number)
      .optional(),
  );
  return { flag, env: [], placeholder: "N", expected: "a whole number", help, schema };
}

const IGNORED = "Accepted from Stash's manifests; without effect";

/** Where Stash's flags say that backups lie. */
export const storeParameters = {
  storageSecretName: required("storage-secret-name", {
    expected: "the name of a Secret",
    help: "Secret with RESTIC_PASSWORD and the store's credentials",
  }),
  storageSecretNamespace: required("storage-secret-namespace", { expected: "a namespace", help: "Namespace of that Secret" }),
  provider: required("provider", { expected: "local or s3", help: "Kind of the store" }),
  bucket: text("bucket", { expected: "a bucket, or a directory", help: "Bucket; with --provider local the directory" }),
  endpoint: text("endpoint", { expected: "a URL, or HOST:PORT for https", help: "Endpoint of an S3-compatible store; AWS when absent" }),
  region: text("region", { expected: "a region name", help: "Region of the bucket" }),
  path: text("path", { expected: "a path in the bucket", help: "Prefix in the bucket" }),
  insecureTls: bool("insecure-tls", "Do not verify the store's certificate"),
};

const place = {
  namespace: textWithDefault("namespace", { expected: "a namespace", help: "Namespace of the session", default: "default" }),
  appbinding: required("appbinding", { expected: "the name of an AppBinding object", help: "AppBinding that says where the database is" }),
  appbindingNamespace: text("appbinding-namespace", {
    expected: "a namespace",
    help: "Namespace of the AppBinding; --namespace when absent",
  }),
  ...storeParameters,
};

const session = {
  hostname: textWithDefault("hostname", {
    expected: "a name",
    help: "Host that the snapshot belongs to: Stash's alias",
    default: "host-0",
  }),
  waitTimeout: {
    ...text("wait-timeout", {
      expected: "seconds",
      placeholder: "SECONDS",
      help: "How long to wait for a database that is loading or refuses connections",
      default: "300",
    }),
    // the longest that Go's int32 holds is longer than any timer
    schema: unlessEmpty(
      z
        .string()
        .regex(/^\d{1,10}$/)
        .default("300")
        .transform((given) => Math.min(Number(given), 2_000_000) * 1000),
    ),
  } satisfies Parameter<number>,
  outputDir: text("output-dir", {
    expected: "a directory",
    placeholder: "DIR",
    help: "Write the outcome to output.json in this directory, and exit with 0 once it says the truth, be it a failure",
  }),
};

/** Named here so that what is accepted without effect can be told in the log. */
export const ignoredParameters = {
  scratchDir: text("scratch-dir", { expected: "a directory", help: IGNORED }),
  enableCache: bool("enable-cache", IGNORED),
  maxConnections: integer("max-connections", IGNORED),
  licenseApiservice: text("license-apiservice", { expected: "a name", help: IGNORED }),
  ...loggingFlags,
};

const ignoredByBackup = {
  ...Object.fromEntries(
    ["last", "hourly", "daily", "weekly", "monthly", "yearly"].map((span) => [
      `retention:${span}`,
      integer(`retention-keep-${span}`, "Accepted from Stash's manifests: update-status applies the policy of the invoker"),
    ]),
  ),
  retentionKeepTags: text("retention-keep-tags", { expected: "tags", help: IGNORED }),
  retentionPrune: bool("retention-prune", IGNORED),
  retentionDryRun: bool("retention-dry-run", IGNORED),
};

const { manifests, kubeconfig, master, timeout, report, terminationLog, logFormat, logLevel } = snapshotsParameters;
/** What every command takes. */
export const commonParameters = {
  manifests,
  kubeconfig: orEmpty(kubeconfig),
  master: orEmpty(master),
  timeout,
  report,
  terminationLog,
  logFormat,
  logLevel,
};

function orEmpty(parameter: Parameter<string | undefined>): Parameter<string | undefined> {
  return { ...parameter, schema: unlessEmpty(parameter.schema) };
}

export const stashBackupParameters = {
  ...commonParameters,
  ...place,
  ...session,
  backupsession: text("backupsession", { expected: "the name of a BackupSession", help: "Session that the backup belongs to" }),
  verifyAfter: backupParameters.verifyAfter,
  ...ignoredParameters,
  ...ignoredByBackup,
};

export const stashRestoreParameters = {
  ...commonParameters,
  ...place,
  ...session,
  sourceHostname: text("source-hostname", { expected: "a name", help: "Host whose snapshot is restored; --hostname when absent" }),
  snapshot: textWithDefault("snapshot", { expected: "a snapshot id or latest", help: "Snapshot to restore", default: "latest" }),
  ...ignoredParameters,
  workers: integer("n", IGNORED),
};

/** What one addon takes beside what all do. */
export function addonParameters({ argumentsFlag, pathFlag, refusedSwitches = {} }: StashCommand): ParameterTable {
  return {
    userArguments: text(argumentsFlag, { expected: "arguments", help: "Arguments of Stash's users, split at white space" }),
    ...(pathFlag === undefined
      ? {}
      : {
          shownPath: text(pathFlag, {
            expected: "a directory",
            help: "Shown as the snapshot's path in the session's stats; nothing is written there",
          }),
        }),
    ...Object.fromEntries(Object.entries(refusedSwitches).map(([flag, why]) => [`refused:${flag}`, refusedSwitch(flag, why)])),
  };
}

/** What `addonParameters` makes of them. */
interface AddonParameters {
  readonly userArguments: string | undefined;
  readonly shownPath?: string | undefined;
}

export type StashBackupParameters = ParametersOf<typeof stashBackupParameters> & AddonParameters;
export type StashRestoreParameters = ParametersOf<typeof stashRestoreParameters> & AddonParameters;
export type StashStoreParameters = ParametersOf<typeof storeParameters>;
/** What both commands take. */
export type StashPlaceParameters = ParametersOf<typeof place> & ParametersOf<typeof session> & ParametersOf<typeof commonParameters>;
