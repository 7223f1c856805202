// One table makes flags, environment names, defaults, help, and the README's table. Precedence: flag, environment, default.
import type { z } from "zod";
import { ParameterError } from "./errors.ts";

export interface Parameter<T = unknown> {
  /** Without dashes: "wait-timeout". */
  readonly flag: string;
  /** Environment names, the first that is set and not empty wins; never a secret in argv: secrets come from these and from files only. */
  readonly env: readonly string[];
  /** What stands behind the flag in the help: "SECONDS". Absent for switches. */
  readonly placeholder?: string;
  /** The flag alone means "true"; with a placeholder only. */
  readonly isValueOptional?: true;
  /** One letter, without its dash. */
  readonly short?: string;
  /** Parses the text (or `undefined` when nobody gave one, which is where defaults come from). */
  readonly schema: z.ZodType<T>;
  /** Shown in the help, and in the message about a wrong value. */
  readonly expected: string;
  readonly help: string;
  /** The default as the help shows it. */
  readonly default?: string;
}

export type ParameterTable = Readonly<Record<string, Parameter>>;

/** The values of a table, by name. */
export type ParametersOf<T extends ParameterTable> = { readonly [K in keyof T]: T[K] extends Parameter<infer V> ? V : never };

export interface ParameterInput {
  /** Flags as given, by flag name; switches are "true". */
  readonly flags: Readonly<Record<string, string | undefined>>;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** What must hold between parameters: a sentence for each fault. A parameter that is itself wrong is absent from `values`. */
export type ParameterRules = (values: Readonly<Record<string, unknown>>) => readonly string[];

/**
 * Reads every parameter of the table. All faults stand in one message, each with flag, variable and what was expected.
 * @throws ParameterError
 */
export function parseParameters<T extends ParameterTable>(table: T, input: ParameterInput, rules?: ParameterRules): ParametersOf<T> {
  const values: Record<string, unknown> = {};
  const faults: string[] = [];
  for (const [name, parameter] of Object.entries(table)) {
    const given = findValue(parameter, input);
    const parsed = parameter.schema.safeParse(given?.text);
    if (parsed.success) values[name] = parsed.data;
    else faults.push(describeFault(parameter, given));
  }
  faults.push(...(rules?.(values) ?? []));
  if (faults.length > 0) throw new ParameterError(joinFaults(faults), { hint: "Nothing has been touched; --help lists every parameter" });
  return values as ParametersOf<T>;
}

/** One message for several faults. */
export function joinFaults(faults: readonly string[]): string {
  return faults.length === 1
    ? (faults[0] as string)
    : `${faults.length} parameters are wrong:\n${faults.map((fault) => `  - ${fault}`).join("\n")}`;
}

function findValue(parameter: Parameter, input: ParameterInput): { text: string; origin: string } | undefined {
  const flag = input.flags[parameter.flag];
  if (flag !== undefined) return { text: flag, origin: `--${parameter.flag}` };
  for (const variable of parameter.env) {
    const text = input.environment[variable];
    if (text !== undefined && text !== "") return { text, origin: variable };
  }
  return undefined;
}

function describeFault(parameter: Parameter, given: { text: string; origin: string } | undefined): string {
  const names = [`--${parameter.flag}`, ...parameter.env].join(" or ");
  if (given === undefined) return `${names} is required: ${parameter.expected}`;
  return `${given.origin} is ${JSON.stringify(given.text)}: expected ${parameter.expected} (${names})`;
}
