// The arguments that Stash's users hand to the tools behind its addons (`args` of a Task), read by a table of what each means here. Every one of them is
// kept, harmless, or refused by name: none is dropped while somebody relies on it.
import { ParameterError } from "./errors.ts";
import type { DatabaseConnection, StashArguments } from "./function.ts";

export interface StashArgument {
  /** A switch may stand alone or be given as -name=false. */
  readonly takes: "nothing" | "value" | "switch";
  /** Returns why the argument is refused, if it is. */
  readonly read: (value: string, gathered: GatheredArguments) => string | undefined;
}

export interface GatheredArguments {
  readonly flags: Record<string, string>;
  readonly warnings: string[];
  readonly changes: ((database: DatabaseConnection) => DatabaseConnection)[];
}

export type StashArgumentTable = Readonly<Record<string, StashArgument>>;

export interface ReadOptions {
  /** Where the table stands for people: "functions/redis/README.md". */
  readonly readme: string;
  /** Whether the tool takes the word behind a switch for its value, when it is true or false. */
  readonly isSwitchFollowedByValue?: true;
}

/** Reads the words by the table, and joins all faults in one message. @throws ParameterError naming each that cannot be kept, never its value */
export function readStashArguments(words: readonly string[], table: StashArgumentTable, options: ReadOptions): StashArguments {
  const gathered: GatheredArguments = { flags: {}, warnings: [], changes: [] };
  const understood: string[] = [];
  const faults: string[] = [];
  for (let at = 0; at < words.length; at += 1) {
    const { name, given } = split(words[at] as string);
    const argument = name !== undefined && Object.hasOwn(table, name) ? table[name] : undefined;
    if (argument === undefined) {
      faults.push(
        name === undefined ? "a word that belongs to no argument" : `${dashed(withoutPassword(name, table))}: this argument is not known`,
      );
      continue;
    }
    const label = dashed(name as string);
    const isValueNext = given === undefined && takesNext(argument, words[at + 1], options);
    if (isValueNext) at += 1;
    const value = given ?? (isValueNext ? words[at] : argument.takes === "value" ? undefined : "true");
    const fault = value === undefined ? "its value is missing" : judge(argument, value, gathered);
    if (fault !== undefined) faults.push(`${label}: ${fault}`);
    else understood.push(label);
  }
  if (faults.length > 0) {
    throw new ParameterError(`Cannot use these arguments: ${[...new Set(faults)].join("; ")}`, {
      hint: `They come from the parameter args of the Task; ${options.readme} lists what each means`,
    });
  }
  const { flags, warnings, changes } = gathered;
  return {
    flags,
    warnings: [...new Set(warnings)],
    words: understood,
    connect: (database) => changes.reduce((result, make) => make(result), database),
  };
}

/** Makes no difference here. */
export function harmless(takes: StashArgument["takes"] = "nothing"): StashArgument {
  return { takes, read: () => undefined };
}

/** Cannot be kept, for this reason. */
export function refused(why: string, takes: StashArgument["takes"] = "value"): StashArgument {
  return { takes, read: () => why };
}

/** Is a flag of our own. */
export function ownFlag(flag: string, takes: StashArgument["takes"]): StashArgument {
  return {
    takes,
    read: (value, { flags }) => {
      flags[flag] = value;
      return undefined;
    },
  };
}

/** Changes the connection; a switch that is off does not. */
export function changing(
  takes: StashArgument["takes"],
  make: (database: DatabaseConnection, value: string) => DatabaseConnection,
): StashArgument {
  return {
    takes,
    read: (value, { changes }) => {
      if (value !== "false" || takes !== "switch") changes.push((database) => make(database, value));
      return undefined;
    },
  };
}

/** Why what only the AppBinding says is refused as an argument. */
export const SAID_BY_APP_BINDING = {
  address: "the AppBinding says where the database is: change spec.clientConfig there",
  password: "a password does not belong into arguments: put it into the AppBinding's Secret, key password",
  authority: "files of the container are not read: put the authority into the AppBinding's spec.clientConfig.caBundle",
  clientCertificate: "files of the container are not read: name a Secret with tls.crt and tls.key in the AppBinding's spec.tlsSecret",
  serverName: "name the server's certificate in the AppBinding's spec.clientConfig.serverName",
} as const;

function takesNext({ takes }: StashArgument, next: string | undefined, { isSwitchFollowedByValue }: ReadOptions): boolean {
  if (takes === "value") return next !== undefined;
  return takes === "switch" && isSwitchFollowedByValue === true && (next === "true" || next === "false");
}

function judge({ takes, read }: StashArgument, value: string, gathered: GatheredArguments): string | undefined {
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
function withoutPassword(name: string, table: StashArgumentTable): string {
  return table.a !== undefined && name.startsWith("a") ? "a" : name;
}

function dashed(name: string): string {
  return name.length === 1 ? `-${name}` : `--${name}`;
}
