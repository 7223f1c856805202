// The arguments that Stash's users hand to redis-dump-go and redis-cli (`args` of a Task), and what becomes of each here.
import { Secret, type StashArguments } from "../../runner/function.ts";
import {
  changing,
  harmless,
  ownFlag,
  readStashArguments,
  refused,
  SAID_BY_APP_BINDING,
  type StashArgument,
  type StashArgumentTable,
} from "../../runner/stash-arguments.ts";

/** Arguments of redis-dump-go, and our own flags for a backup. @throws ParameterError naming each that cannot be kept, never its value */
export function readBackupArguments(words: readonly string[]): StashArguments {
  return readStashArguments(words, backupMeanings, { readme: README });
}

/** Arguments of redis-cli, and our own flags for a restore. @throws ParameterError as above */
export function readRestoreArguments(words: readonly string[]): StashArguments {
  return readStashArguments(words, restoreMeanings, { readme: README });
}

const README = "functions/redis/README.md";

const userName = changing("value", (database, name) => ({
  ...database,
  credentials: new Map([...database.credentials, ["username", new Secret(name)]]),
}));
const speakTls = (takes: StashArgument["takes"]) => changing(takes, (database) => ({ ...database, scheme: "rediss" }));
const skipVerification = (takes: StashArgument["takes"]) =>
  changing(takes, (database) => ({ ...database, tls: { ...database.tls, verify: false } }));

const { address: ADDRESS, password: PASSWORD, authority: CA, clientCertificate: CLIENT, serverName: SERVER_NAME } = SAID_BY_APP_BINDING;

const backupMeanings: StashArgumentTable = {
  db: {
    takes: "value",
    read: (value, { flags, warnings }) => {
      if (!/^-?\d+$/.test(value)) return "expected the number of a database";
      // redis-dump-go's own default, all of them
      if (value.startsWith("-")) return undefined;
      flags.databases = value;
      warnings.push(`The backup holds every database of the server; because of -db, a restore of it writes database ${value} alone`);
      return undefined;
    },
  },
  filter: {
    takes: "value",
    read: (value) => (value === "*" ? undefined : "a backup always holds every key: remove it from the Task's args"),
  },
  ttl: {
    takes: "switch",
    read: (value) => (value === "false" ? "expiry times are always part of a backup: remove it from the Task's args" : undefined),
  },
  output: {
    takes: "value",
    read: (value) => (/^(resp|commands)$/i.test(value) ? undefined : "expected resp or commands"),
  },
  noscan: harmless("switch"),
  batchSize: harmless("value"),
  n: harmless("value"),
  s: harmless("switch"),
  "set-total-keys": harmless("switch"),
  user: userName,
  tls: speakTls("switch"),
  insecure: skipVerification("switch"),
  cacert: refused(CA),
  cert: refused(CLIENT),
  key: refused(CLIENT),
  host: refused(ADDRESS),
  port: refused(ADDRESS),
  "allow-unchecked": ownFlag("allow-unchecked", "switch"),
  "redis-idle-timeout": ownFlag("redis-idle-timeout", "value"),
};

const restoreMeanings: StashArgumentTable = {
  "pipe-timeout": harmless("value"),
  pipe: harmless(),
  n: {
    takes: "value",
    read: (value, { warnings }) => {
      if (!/^\d+$/.test(value)) return "expected the number of a database";
      warnings.push(
        `-n ${value} does not choose a database, as it never did: keys go back to the database that they came from; --databases ${value} restores that one alone`,
      );
      return undefined;
    },
  },
  user: userName,
  tls: speakTls("nothing"),
  insecure: skipVerification("nothing"),
  "no-auth-warning": harmless(),
  verbose: harmless(),
  raw: harmless(),
  "no-raw": harmless(),
  c: harmless(),
  "2": harmless(),
  "3": harmless(),
  t: harmless("value"),
  a: refused(PASSWORD),
  pass: refused(PASSWORD),
  askpass: refused(PASSWORD, "nothing"),
  h: refused(ADDRESS),
  p: refused(ADDRESS),
  s: refused(ADDRESS),
  u: refused(ADDRESS),
  sni: refused(SERVER_NAME),
  cacert: refused(CA),
  cacertdir: refused(CA),
  cert: refused(CLIENT),
  key: refused(CLIENT),
  policy: ownFlag("policy", "value"),
  databases: ownFlag("databases", "value"),
  "allow-missing-modules": ownFlag("allow-missing-modules", "switch"),
};
