// Template variables as Stash writes them: ${NAME}, ${NAME:=default} and a few more forms; $$ is a dollar sign, $(NAME) is Kubernetes' own.
import { ParameterError } from "../errors.ts";
import { evaluateForm, FORMS, type Form } from "./substitute-form.ts";

export type Variables = ReadonlyMap<string, string>;

export interface SubstituteOptions {
  /** Whose template this is, for errors: `Function "redis-backup"`. */
  readonly origin: string;
  /** Where in that object the template stands, for errors: "spec". */
  readonly path?: string;
}

/**
 * A copy of a parsed object in which the variables of every string are replaced. Values go into strings as they are: none of them can
 * add a field, end a string or be read as a template again. Keys and other values stay; a key with a variable is refused.
 * @throws ParameterError naming the object, the field and the variable that is unknown or the form that is not understood
 */
export function substitute<T>(template: T, variables: Variables, options: SubstituteOptions): T {
  return replaceIn(template, { variables, origin: options.origin, path: options.path ?? "" }) as T;
}

interface Context {
  readonly variables: Variables;
  readonly origin: string;
  readonly path: string;
}

function replaceIn(value: unknown, context: Context): unknown {
  const { path } = context;
  if (typeof value === "string") return evaluate(parse(value, context), context);
  if (Array.isArray(value)) return value.map((item, index) => replaceIn(item, { ...context, path: `${path}[${index}]` }));
  if (value === null || typeof value !== "object") return value;
  const entries = Object.entries(value).map(([key, field]) => {
    const inside = { ...context, path: path === "" ? key : `${path}.${key}` };
    if (/\$[${]/.test(key)) throw fault(inside, "a variable in the name of a field is not supported");
    return [key, replaceIn(field, inside)];
  });
  return Object.fromEntries(entries);
}

type Piece = string | Expression;

interface Expression {
  readonly source: string;
  readonly variable: string;
  readonly form: Form | undefined;
  /** What follows the form's sign: a default may hold variables itself. */
  readonly argument: readonly Piece[];
}

interface Reader {
  readonly text: string;
  at: number;
}

function parse(text: string, context: Context): readonly Piece[] {
  return readPieces({ text, at: 0 }, { isInside: false, context });
}

function readPieces(reader: Reader, options: { isInside: boolean; context: Context }): readonly Piece[] {
  const pieces: Piece[] = [];
  const { text } = reader;
  while (reader.at < text.length && !(options.isInside && text[reader.at] === "}")) {
    if (text.startsWith("$$", reader.at)) {
      pieces.push("$");
      reader.at += 2;
    } else if (text.startsWith("${", reader.at)) {
      pieces.push(readExpression(reader, options.context));
    } else {
      pieces.push(take(reader, options.isInside ? /\$|[^$}]+/y : /\$|[^$]+/y));
    }
  }
  return pieces;
}

function readExpression(reader: Reader, context: Context): Expression {
  const start = reader.at;
  reader.at += 2;
  const isLength = take(reader, /#/y) !== "";
  const variable = take(reader, /[A-Za-z0-9_]+/y);
  const sign = isLength ? "length" : take(reader, /:[=-]|:(?![?+])|=|\^\^?|,,?|##?|%%?|\/[/#%]?/y);
  const form = sign === "" ? undefined : FORMS.get(sign);
  const takesArgument = form !== undefined && form.argument !== "none";
  const argument = !takesArgument ? [] : form.argument === "template" ? readPieces(reader, { isInside: true, context }) : [readRaw(reader)];
  const isClosed = take(reader, /\}/y) !== "";
  const source = reader.text.slice(start, isClosed ? reader.at : undefined);
  if (variable === "" || !isClosed) throw fault(context, `"${source}" is not a form that is understood; a dollar sign is written $$`);
  return { source, variable, form, argument };
}

/** Up to the closing brace, which a backslash takes the meaning from. A variable inside is left to be refused by the missing brace's error. */
function readRaw(reader: Reader): string {
  return take(reader, /(?:\\.|[^\\}$]|\$(?![{$]))*/y);
}

function take(reader: Reader, pattern: RegExp): string {
  pattern.lastIndex = reader.at;
  const found = pattern.exec(reader.text)?.[0] ?? "";
  reader.at += found.length;
  return found;
}

function evaluate(pieces: readonly Piece[], context: Context): string {
  return pieces.map((piece) => (typeof piece === "string" ? piece : evaluateExpression(piece, context))).join("");
}

function evaluateExpression({ source, variable, form, argument }: Expression, context: Context): string {
  const value = context.variables.get(variable);
  // Known but empty stays empty: a default is for what is unknown.
  if (form?.argument === "template") return value ?? evaluate(argument, context);
  if (value === undefined) throw fault(context, `variable "${variable}" is not known, and there is no default`);
  if (form === undefined) return value;
  const result = evaluateForm(form, value, argument.join(""));
  if (result === undefined) throw fault(context, `"${source}" is not a form that is understood`);
  return result;
}

function fault({ origin, path }: Context, message: string): ParameterError {
  return new ParameterError(`${origin}${path === "" ? "" : `, ${path}`}: ${message}`, {
    reason: "TemplateNotResolved",
    hint: "Correct the template, or give the variable as a parameter of the task",
  });
}
