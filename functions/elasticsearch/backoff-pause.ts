const FIRST_MS = 250;
const LONGEST_MS = 30_000;

/** Milliseconds before the nth repetition, from 1: twice as long each time, up to half a minute, less up to a half at random. */
export function backoffPause(repetition: number, random = Math.random()): number {
  return Math.min(LONGEST_MS, FIRST_MS * 2 ** (repetition - 1)) * (0.5 + random / 2);
}
