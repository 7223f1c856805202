import { Command, Option } from "commander";
import { ParameterError } from "./errors.ts";
import { joinFaults, type Parameter, type ParameterTable } from "./parameters.ts";

/** A word on the command line, with what it takes. */
export interface CommandSpec {
  readonly name: string;
  readonly summary: string;
  readonly parameters: ParameterTable;
}

export type CommandLine =
  | { readonly kind: "run"; readonly command: string; readonly flags: Readonly<Record<string, string>> }
  | { readonly kind: "print"; readonly text: string };

export interface CommandLineOptions {
  readonly version: string;
  /** The command when argv names none: HOLDFAST_FUNCTION. */
  readonly defaultCommand?: string | undefined;
}

/**
 * Reads argv (without node and script). Unknown flags and words are all named in one message; their values are not printed, one could be a secret.
 * @throws ParameterError
 */
export function parseCommandLine(argv: readonly string[], commands: readonly CommandSpec[], options: CommandLineOptions): CommandLine {
  const [first, ...rest] = argv;
  if (first === "version" || first === "--version" || first === "-V") return { kind: "print", text: `holdfast ${options.version}\n` };
  if (first === "--help" || first === "-h" || first === "help") return printHelp(commands, rest[0]);
  const isNamed = first !== undefined && !first.startsWith("-");
  const name = isNamed ? first : options.defaultCommand || undefined;
  const spec = commands.find((command) => command.name === name);
  if (name === undefined || spec === undefined) {
    const known = commands.map((command) => command.name).join(", ");
    // Not a help that succeeds: a job that lost its arguments has made no backup.
    throw new ParameterError(name === undefined ? "No command is given" : `Unknown command "${name}"`, {
      hint: `Commands are: ${known}; holdfast --help tells more`,
    });
  }
  const words = isNamed ? rest : argv;
  if (words.includes("--help") || words.includes("-h")) return printHelp(commands, name);
  return { kind: "run", command: name, flags: readFlags(spec, words) };
}

function readFlags(spec: CommandSpec, words: readonly string[]): Record<string, string> {
  const command = commandFor(spec)
    .exitOverride()
    .configureOutput({ writeErr: () => {} });
  const { operands, unknown } = parseOptions(command, words);
  const unknownFlags = unknown.filter((word) => word.startsWith("-")).map((word) => `unknown flag ${flagOf(word)}`);
  const faults = unknownFlags.length > 0 ? unknownFlags : operands.map(() => "a word that belongs to no flag");
  if (faults.length > 0) {
    const hint = `holdfast ${spec.name} --help lists every flag; passwords are never flags: they come from the environment, from files or from Secrets`;
    throw new ParameterError(`Cannot read the command line: ${joinFaults([...new Set(faults)])}`, { hint });
  }
  const values = command.opts<Record<string, string | boolean>>();
  const flags: Record<string, string> = {};
  for (const parameter of Object.values(spec.parameters)) {
    const value = values[parameter.flag];
    if (value !== undefined) flags[parameter.flag] = String(value);
  }
  return flags;
}

/** Without what was given to it: "--password=x", "-px". */
function flagOf(word: string): string {
  return word.startsWith("--") ? word.replace(/=.*/s, "") : word.slice(0, 2);
}

function parseOptions(command: Command, words: readonly string[]): { operands: string[]; unknown: string[] } {
  try {
    return command.parseOptions([...words]);
  } catch (error) {
    // commander's only complaint at this stage is a flag without its value, and its message names the flag alone
    throw new ParameterError(error instanceof Error ? error.message.replace(/^error: /, "") : "Cannot read the command line", {
      cause: error,
    });
  }
}

function commandFor(spec: CommandSpec): Command {
  const command = new Command(spec.name).description(spec.summary).helpOption(false);
  for (const parameter of Object.values(spec.parameters)) command.addOption(optionFor(parameter));
  return command;
}

function optionFor(parameter: Parameter): Option {
  const { flag, short, placeholder, isValueOptional } = parameter;
  const names = short === undefined ? `--${flag}` : `-${short}, --${flag}`;
  const value = placeholder === undefined ? "" : isValueOptional ? ` [${placeholder}]` : ` <${placeholder}>`;
  const option = new Option(`${names}${value}`, describe(parameter));
  option.attributeName = () => parameter.flag;
  // A name that begins with "no-" is a switch like any other, and takes nothing back.
  option.negate = false;
  return option;
}

function describe(parameter: Parameter): string {
  const environment = parameter.env.length === 0 ? "" : ` [${parameter.env.join(", ")}]`;
  const fallback = parameter.default === undefined ? "" : ` (default: ${parameter.default})`;
  return `${parameter.help}${fallback}${environment}`;
}

function printHelp(commands: readonly CommandSpec[], name: string | undefined): CommandLine {
  const spec = commands.find((command) => command.name === name);
  if (spec !== undefined)
    return {
      kind: "print",
      text: `${commandFor(spec).name(`holdfast ${spec.name}`).helpInformation()}\nNames in brackets are environment variables.\n`,
    };
  const width = Math.max(...commands.map((command) => command.name.length)) + 2;
  const lines = commands.map((command) => `  ${command.name.padEnd(width)}${command.summary}`);
  return {
    kind: "print",
    text: `Usage: holdfast COMMAND [flags]\n\nCommands:\n${lines.join("\n")}\n\nholdfast COMMAND --help lists the flags of a command.\n`,
  };
}
