// Contenders run in turn, not one after the other, so that whatever else the machine does hits all of them.
import type { Measurement } from "./measure.ts";
import { markdownTable, ratio, spread } from "./table.ts";

export interface Contender {
  readonly name: string;
  /** Throws when what it did is not right: a wrong result has no speed. */
  measure(): Promise<Measurement>;
}

export type Results = ReadonlyMap<string, readonly Measurement[]>;

export interface ContestOptions {
  readonly runs: number;
  /** Ends the contest after the contender that is running. */
  readonly signal: AbortSignal;
}

/** Every run starts with another contender. */
export async function compete(contenders: readonly Contender[], { runs, signal }: ContestOptions): Promise<Results> {
  const results = new Map<string, Measurement[]>(contenders.map(({ name }) => [name, []]));
  for (let run = 0; run < runs; run++) {
    for (let turn = 0; turn < contenders.length; turn++) {
      signal.throwIfAborted();
      const contender = contenders[(run + turn) % contenders.length] as Contender;
      const measurement = await contender.measure();
      results.get(contender.name)?.push(measurement);
      process.stderr.write(`run ${run + 1} of ${runs}: ${contender.name}: ${measurement.wallSeconds.toFixed(2)} s\n`);
    }
  }
  return results;
}

/** One row a contender; each name in `baselines` gives a column of ratios to its wall time. */
export function resultsTable(results: Results, baselines: readonly string[]): string {
  const pick = (name: string, figure: (measurement: Measurement) => number | undefined) =>
    (results.get(name) ?? []).map(figure).filter((value) => value !== undefined);
  const head = ["", "wall s", ...baselines.map((name) => `to ${name}`), "CPU s: server", "its child", "client", "client peak MB"];
  const rows = [...results.keys()].map((name) => [
    name,
    spread(
      pick(name, (one) => one.wallSeconds),
      2,
    ),
    ...baselines.map((baseline) =>
      ratio(
        pick(name, (one) => one.wallSeconds),
        pick(baseline, (one) => one.wallSeconds),
      ),
    ),
    spread(
      pick(name, (one) => one.serverCpuSeconds),
      2,
    ),
    spread(
      pick(name, (one) => one.serverChildCpuSeconds),
      2,
    ),
    spread(
      pick(name, (one) => one.clientCpuSeconds),
      2,
    ),
    spread(
      pick(name, (one) => one.clientPeakBytes && one.clientPeakBytes / 1e6),
      0,
    ),
    spread(
      pick(name, (one) => one.delays?.medianMs),
      2,
    ),
    spread(pick(name, (one) => one.delays?.p99Ms)),
    spread(pick(name, (one) => one.delays?.worstMs)),
  ]);
  return markdownTable([...head, "GET ms: median", "p99", "worst"], rows);
}
