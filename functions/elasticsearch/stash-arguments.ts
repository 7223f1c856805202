// The arguments that Stash's users hand to multielasticdump (`args` of a Task), and what becomes of each here.
import type { ParameterTable, StashArguments } from "../../runner/function.ts";
import {
  harmless,
  ownFlag,
  readStashArguments,
  refused,
  SAID_BY_APP_BINDING,
  type StashArgument,
  type StashArgumentTable,
} from "../../runner/stash-arguments.ts";
import { compilePattern } from "./name-pattern.ts";
import { esBackupParameters, esRestoreParameters } from "./parameters.ts";
import { backupTypeArguments, restoreTypeArguments } from "./stash-types.ts";

/** Arguments of multielasticdump for a dump, and our own flags for a backup. @throws ParameterError naming each that cannot be kept, never its value */
export function readBackupArguments(words: readonly string[]): StashArguments {
  return readStashArguments(words, backupArguments, OPTIONS);
}

/** Arguments of multielasticdump for a load, and our own flags for a restore. @throws ParameterError as above */
export function readRestoreArguments(words: readonly string[]): StashArguments {
  return readStashArguments(words, restoreArguments, OPTIONS);
}

const OPTIONS = { readme: "functions/elasticsearch/README.md", isSwitchFollowedByValue: true } as const;
const MOST_CONCURRENCY = 64;
const LEAST_IDLE_SECONDS = 120;
const MOST_IDLE_SECONDS = 576 * 3600;

const STORE = "the Repository says where backups lie";
const SIGNING = "requests are not signed for AWS: let the AppBinding's Secret hold username and password of an internal user";
const PROXY = "proxies are not spoken to: let the AppBinding name the server itself";
const REQUESTS = "requests are sent as they are: what a proxy needs cannot be added";
const PROGRAM = "programs of users are not run on documents, which come back as they were";
const WHOLE = "a backup always holds every document of the indices chosen: remove it from the Task's args";
const RENAME = "say --rename=(.+)=NAME-$1 at a restore";
const TEMPLATES = "templates are restored all or, by --ignoreType=template, not at all";

/** Refused unless it says what is done anyway. */
function refusedUnless(usual: RegExp, why: string): StashArgument {
  return { takes: "value", read: (value) => (usual.test(value) ? undefined : why) };
}

/** A permission to pass over failures, which is not used. */
const tolerance: StashArgument = {
  takes: "switch",
  read: (value, { warnings }) => {
    if (value === "true")
      warnings.push("Nothing that fails is passed over, although the arguments allow it: the run would then fail by name");
    return undefined;
  },
};

const refusedWhenOn = (why: string): StashArgument => ({ takes: "switch", read: (value) => (value === "true" ? why : undefined) });

const matchRegex: StashArgument = {
  takes: "value",
  read: (value, { flags }) => {
    if (flags["match-regex"] !== undefined) return "it is given twice";
    if (value === "" || compilePattern(value) === undefined) return "expected a regular expression";
    flags["match-regex"] = value;
    return undefined;
  },
};

/** multielasticdump looks at no aliases: what an expression takes out, "^(?!debug)", must not come in by one. */
const match: StashArgument = {
  takes: "value",
  read: (value, gathered) => {
    gathered.flags["match-names-only"] = "true";
    return matchRegex.read(value, gathered);
  },
};

/** How many indices multielasticdump works on at once. */
const parallel: StashArgument = {
  takes: "value",
  read: (value, { flags }) => {
    if (!/^\d{1,9}$/.test(value) || Number(value) === 0) return "expected a whole number from 1";
    flags["es-concurrency"] = String(Math.min(Number(value), MOST_CONCURRENCY));
    return undefined;
  },
};

/** Milliseconds for a request. Ours carry a hundred times as much: less than our own limit would be a trap. */
const timeout: StashArgument = {
  takes: "value",
  read: (value, { flags }) => {
    if (!/^\d{1,15}$/.test(value)) return "expected milliseconds";
    const seconds = Math.ceil(Number(value) / 1000);
    if (seconds > LEAST_IDLE_SECONDS) flags["es-idle-timeout"] = String(Math.min(seconds, MOST_IDLE_SECONDS));
    return undefined;
  },
};

/** How long the server keeps a cursor: "10m". */
const cursorLife: StashArgument = {
  takes: "value",
  read: (value, { flags }) => {
    const [, amount, unit] = /^(\d{1,6})([dhms])$/.exec(value) ?? [];
    if (amount === undefined) return 'expected a time such as "10m"';
    const seconds = Number(amount) * { d: 86_400, h: 3600, m: 60, s: 1 }[unit as "d" | "h" | "m" | "s"];
    if (seconds < 10) return "expected at least 10s";
    flags["es-keep-alive"] = String(seconds);
    return undefined;
  },
};

function all(names: string, argument: StashArgument): StashArgumentTable {
  return Object.fromEntries(names.split(" ").map((name) => [name, argument]));
}

/** Our own flags may stand among them, but for `match`, which is multielasticdump's here. */
function ownFlags(parameters: ParameterTable): StashArgumentTable {
  const flags = Object.values(parameters).filter(({ flag }) => flag !== "match" && flag !== "match-regex");
  return Object.fromEntries(flags.map(({ flag, placeholder }) => [flag, ownFlag(flag, placeholder === undefined ? "switch" : "value")]));
}

const commonArguments: StashArgumentTable = {
  match,
  "match-regex": matchRegex,
  matchType: refusedUnless(/^(alias|datastream)$/, "expected alias or datastream"),
  parallel,
  timeout,
  "ignore-es-write-errors": tolerance,
  "ignore-errors": tolerance,
  ignoreChildError: tolerance,
  delete: refusedWhenOn("nothing is ever deleted in a source"),
  transform: refused(PROGRAM),
  customMatcher: refused("programs of users are not run: choose indices by --match"),
  templateRegex: refused(TEMPLATES),
  filterSystemTemplates: harmless("switch"),
  handleVersion: refusedWhenOn("versions of documents are not carried"),
  versionType: refused("versions of documents are not carried"),
  type: refused("multielasticdump does not know it: --ignoreType chooses types"),
  ...all(
    "quiet debug support-big-int fsCompress esCompress overwrite tlsAuth scroll-with-post searchAfter pit noRefresh",
    harmless("switch"),
  ),
  ...all("carryoverConcurrencyCount", harmless("switch")),
  ...all("limit order interval concurrency intervalCap concurrencyInterval throttleInterval maxSockets", harmless("value")),
  ...all("retryAttempts retryDelay big-int-fields parseExtraFields compressionLevel fileSize maxRows", harmless("value")),
  ...all("input output direction input-index output-index inputTransport outputTransport", refused(SAID_BY_APP_BINDING.address)),
  ...all("headers input-headers output-headers params input-params output-params", refused(REQUESTS)),
  ...all("ca input-ca output-ca ca-input", refused(SAID_BY_APP_BINDING.authority)),
  ...all("cert key input-cert input-key output-cert output-key", refused(SAID_BY_APP_BINDING.clientCertificate)),
  ...all("pass input-pass output-pass httpAuthFile", refused(SAID_BY_APP_BINDING.password)),
  ...all("inputSocksProxy inputSocksPort outputSocksProxy outputSocksPort", refused(PROXY)),
  ...all(
    "awsAccessKeyId awsSecretAccessKey awsIniFileProfile awsIniFileName awsService awsRegion awsUrlRegex sessionToken",
    refused(SIGNING),
  ),
  awsChain: refusedWhenOn(SIGNING),
  ...all("s3AccessKeyId s3SecretAccessKey s3Region s3Endpoint s3Bucket s3RecordKey s3Prefix s3StorageClass s3ACL", refused(STORE)),
};

const backupArguments: StashArgumentTable = {
  ...commonArguments,
  ...backupTypeArguments,
  scrollTime: cursorLife,
  pitKeepAlive: cursorLife,
  size: refusedUnless(/^-1$/, WHOLE),
  offset: refusedUnless(/^0$/, WHOLE),
  searchBody: refused(WHOLE),
  searchBodyTemplate: refused(WHOLE),
  searchWithTemplate: refusedWhenOn(WHOLE),
  scrollId: refused(WHOLE),
  sourceOnly: refusedWhenOn("the ids of documents are always part of a backup"),
  prefix: refused(`names are kept as they are: ${RENAME}`),
  suffix: refused(`names are kept as they are: ${RENAME}`),
  ...ownFlags(esBackupParameters),
};

const restoreArguments: StashArgumentTable = {
  ...commonArguments,
  ...restoreTypeArguments,
  ...all("scrollTime pitKeepAlive", harmless("value")),
  size: refusedUnless(/^-1$/, "a restore writes every document of the indices chosen"),
  offset: refusedUnless(/^0$/, "a restore writes every document of the indices chosen"),
  "skip-existing": refusedWhenOn(
    "documents are not added to indices that exist: --policy=skip leaves those alone, --policy=replace writes them anew",
  ),
  bulkAction: refusedUnless(/^index$/, "documents are written as they were, into new indices"),
  prefix: refused(RENAME),
  suffix: refused(RENAME),
  ...ownFlags(esRestoreParameters),
};
