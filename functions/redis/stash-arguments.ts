// The arguments that Stash's users hand to redis-dump-go and redis-cli (`args` of a Task), and what becomes of each here.
// Every one of them is kept, harmless, or refused by name: none is dropped while somebody relies on it.
import { ParameterError } from "../../runner/errors.ts";
import { type DatabaseConnection, Secret, type StashArguments } from "../../runner/function.ts";

/** Arguments of redis-dump-go, and our own flags for a backup. @throws ParameterError naming each that cannot be kept, never its value */
export function readBackupArguments(words: readonly string[]): StashArguments {
  return readArguments(words, backupMeanings);
}

/** Arguments of redis-cli, and our own flags for a restore. @throws ParameterError as above */
export function readRestoreArguments(words: readonly string[]): StashArguments {
  return readArguments(words, restoreMeanings);
}

interface Gathered {
  readonly flags: Record<string, string>;
  readonly warnings: string[];
  readonly changes: ((database: DatabaseConnection) => DatabaseConnection)[];
}

interface Meaning {
  /** A switch may stand alone or be given as -name=false. */
  readonly takes: "nothing" | "value" | "switch";
  /** Returns why the argument is refused, if it is. */
  readonly read: (value: string, gathered: Gathered) => string | undefined;
}

type Meanings = Readonly<Record<string, Meaning>>;

const harmless = (takes: Meaning["takes"] = "nothing"): Meaning => ({ takes, read: () => undefined });
const refused = (why: string, takes: Meaning["takes"] = "value"): Meaning => ({ takes, read: () => why });
const ownFlag = (flag: string, takes: Meaning["takes"]): Meaning => ({
  takes,
  read: (value, { flags }) => {
    flags[flag] = value;
    return undefined;
  },
});
const change = (takes: Meaning["takes"], make: (database: DatabaseConnection, value: string) => DatabaseConnection): Meaning => ({
  takes,
  read: (value, { changes }) => {
    if (value !== "false" || takes !== "switch") changes.push((database) => make(database, value));
    return undefined;
  },
});

const userName = change("value", (database, name) => ({
  ...database,
  credentials: new Map([...database.credentials, ["username", new Secret(name)]]),
}));
const speakTls = (takes: Meaning["takes"]) => change(takes, (database) => ({ ...database, scheme: "rediss" }));
const skipVerification = (takes: Meaning["takes"]) =>
  change(takes, (database) => ({ ...database, tls: { ...database.tls, verify: false } }));

const ADDRESS = "the AppBinding says where the database is: change spec.clientConfig there";
const PASSWORD = "a password does not belong into arguments: put it into the AppBinding's Secret, key password";
const CA = "files of the container are not read: put the authority into the AppBinding's spec.clientConfig.caBundle";
const CLIENT = "files of the container are not read: name a Secret with tls.crt and tls.key in the AppBinding's spec.tlsSecret";
const SERVER_NAME = "name the server's certificate in the AppBinding's spec.clientConfig.serverName";

const backupMeanings: Meanings = {
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

const restoreMeanings: Meanings = {
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

function readArguments(words: readonly string[], meanings: Meanings): StashArguments {
  const gathered: Gathered = { flags: {}, warnings: [], changes: [] };
  const ignored: string[] = [];
  const faults: string[] = [];
  for (let at = 0; at < words.length; at += 1) {
    const { name, given } = split(words[at] as string);
    const meaning = name !== undefined && Object.hasOwn(meanings, name) ? meanings[name] : undefined;
    if (meaning === undefined) {
      faults.push(
        name === undefined
          ? "a word that belongs to no argument"
          : `${dashed(withoutPassword(name, meanings))}: this argument is not known`,
      );
      continue;
    }
    const label = dashed(name as string);
    if (meaning.takes === "value" && given === undefined) at += 1;
    const value = meaning.takes === "value" ? (given ?? words[at]) : (given ?? "true");
    const fault = value === undefined ? "its value is missing" : judge(meaning, value, gathered);
    if (fault !== undefined) faults.push(`${label}: ${fault}`);
    else ignored.push(label);
  }
  if (faults.length > 0) {
    throw new ParameterError(`Cannot use these arguments: ${[...new Set(faults)].join("; ")}`, {
      hint: "They come from the parameter args of the Task; functions/redis/README.md lists what each means",
    });
  }
  const { flags, warnings, changes } = gathered;
  return { flags, warnings, words: ignored, connect: (database) => changes.reduce((result, make) => make(result), database) };
}

function judge({ takes, read }: Meaning, value: string, gathered: Gathered): string | undefined {
  if (takes === "nothing" && value !== "true") return "it takes no value";
  if (takes !== "switch") return read(value, gathered);
  if (/^(1|t|true)$/i.test(value)) return read("true", gathered);
  return /^(0|f|false)$/i.test(value) ? read("false", gathered) : "expected true or false";
}

/** "-db", "--db" and "-db=1" are one argument. Of what is not known no more is kept than its name. */
function split(word: string): { name: string | undefined; given: string | undefined } {
  const match = /^--?([A-Za-z0-9][A-Za-z0-9-]*)(?:=(.*))?$/s.exec(word);
  return { name: match?.[1], given: match?.[2] };
}

/** "-a" with a password glued to it is no argument of redis-cli, but somebody may try. */
function withoutPassword(name: string, meanings: Meanings): string {
  return meanings.a !== undefined && name.startsWith("a") ? "a" : name;
}

function dashed(name: string): string {
  return name.length === 1 ? `-${name}` : `--${name}`;
}
