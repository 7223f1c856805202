import { ParameterError } from "../../runner/errors.ts";
import { compilePattern } from "./name-pattern.ts";

export interface RenameRule {
  /** The name in the target. */
  rename(name: string): string;
  /** The name of a data stream's index: it follows its stream. */
  renameBacking(index: string, stream: string): string;
  readonly isActive: boolean;
}

/** Reads `--rename REGEX=NAME`: the first match within a name is replaced, $1 being its first group. Without it every name stays. @throws ParameterError */
export function renameRule(text: string | undefined): RenameRule {
  if (text === undefined) return { rename: (name) => name, renameBacking: (index) => index, isActive: false };
  const border = text.indexOf("=");
  const pattern = border < 1 ? undefined : compilePattern(text.slice(0, border));
  if (pattern === undefined) throw new ParameterError(`Cannot rename by "${text}": it is no regular expression, "=" and a name`);
  const replacement = text.slice(border + 1);
  const rename = (name: string): string => {
    const renamed = name.replace(pattern, replacement);
    assertName(renamed, name);
    return renamed;
  };
  const renameBacking = (index: string, stream: string): string => {
    const renamed = index.replace(`.ds-${stream}-`, () => `.ds-${rename(stream)}-`);
    return renamed === index ? rename(index) : renamed;
  };
  return { rename, renameBacking, isActive: true };
}

/** What every server takes as a name of an index. */
function assertName(name: string, source: string): void {
  const fault =
    name === "" || name === "." || name === ".."
      ? "is no name"
      : /[\\/*?"<>| ,#:]/.test(name)
        ? String.raw`holds one of \ / * ? " < > | , # : or a blank`
        : /^[-_+]/.test(name)
          ? 'begins with "-", "_" or "+"'
          : name !== name.toLowerCase()
            ? "holds capital letters"
            : Buffer.byteLength(name) > 255
              ? "is longer than 255 bytes"
              : undefined;
  if (fault !== undefined && name !== source)
    throw new ParameterError(`Cannot rename "${source}" to "${name}": the name ${fault}`, { hint: "Check --rename" });
}
