/** A block of commands of a page, and what the page says that they print. */
export interface TutorialBlock {
  readonly commands: string;
  /** One for each line, to be found in this order. */
  readonly expected: readonly RegExp[];
}

/** The ```sh blocks of a Markdown page in order, each with the ```text block that follows it before the next one; `…` stands for anything. */
export function tutorialBlocks(page: string): readonly TutorialBlock[] {
  const blocks: { commands: string; expected: readonly RegExp[] }[] = [];
  for (const [, language, body = ""] of page.matchAll(/^```(\w+)\n(.*?)^```$/gms)) {
    const last = blocks.at(-1);
    if (language === "sh") blocks.push({ commands: body, expected: [] });
    else if (language === "text" && last !== undefined) last.expected = body.trim().split("\n").map(patternOf);
    else throw new Error(`Blocks of "${language}" are not for a page whose commands are run: ${body}`);
  }
  return blocks;
}

function patternOf(line: string): RegExp {
  const parts = line.split("…").map((part) => part.trim().split(/\s+/).map(RegExp.escape).join("\\s+"));
  return new RegExp(`^${parts.join(".*")}$`, "m");
}

/** The first expectation that the output does not meet after the ones before it; undefined when it meets all. */
export function firstUnmet(output: string, expected: readonly RegExp[]): RegExp | undefined {
  let rest = output;
  return expected.find((pattern) => {
    const found = pattern.exec(rest);
    rest = found === null ? rest : rest.slice(found.index + found[0].length);
    return found === null;
  });
}
