/** A regular expression as people give it, whatever the case; undefined when it is none. */
export function compilePattern(text: string): RegExp | undefined {
  try {
    return new RegExp(text, "i");
  } catch {
    // The parameter's own message says what was expected.
    return undefined;
  }
}

/** Whether one of the names is chosen: `*` stands for anything, a leading `-` takes out again, an absent list chooses all. */
export function matchesNames(names: readonly string[], patterns: readonly string[]): boolean {
  let isChosen = patterns.every((pattern) => pattern.startsWith("-"));
  for (const pattern of patterns) {
    const isExclusion = pattern.startsWith("-");
    const expression = wildcard(isExclusion ? pattern.slice(1) : pattern);
    if (names.some((name) => expression.test(name))) isChosen = !isExclusion;
  }
  return isChosen;
}

function wildcard(pattern: string): RegExp {
  return new RegExp(`^${pattern.split("*").map(RegExp.escape).join(".*")}$`, "s");
}
