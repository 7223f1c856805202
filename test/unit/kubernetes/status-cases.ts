/** Conditions from text: "MetricsPushed=True BackupSkipped=False"; without a value it is not there. */
export function conditions(text: string): { conditions?: { type: string; status: string }[] } {
  const all = text.split(" ").map((each) => each.split("=") as [string, string | undefined]);
  const there = all.flatMap(([type, status]) => (status === undefined || status === "" ? [] : [{ type, status }]));
  return there.length === 0 ? {} : { conditions: there };
}

/** Every way to give each of these one of the values. */
export function* combinations(of: readonly unknown[], values: readonly string[]): Generator<string[], void, void> {
  if (of.length === 0) {
    yield [];
    return;
  }
  for (const rest of combinations(of.slice(1), values)) for (const value of values) yield [value, ...rest];
}
