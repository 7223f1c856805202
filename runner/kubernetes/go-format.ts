// Stash is written in Go, and its statuses hold sizes, durations and times as Go prints them: as text, which its readers parse again.
import { ParameterError } from "../errors.ts";

const SIZE_UNITS = ["KiB", "MiB", "GiB", "TiB"] as const;

const NANOSECONDS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  "\u00b5s": 1_000n,
  "\u03bcs": 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};
const MAX_NANOSECONDS = 2n ** 63n - 1n;

/** "1024 B", "12.345 MiB": a unit is used for what is larger than one of it. @throws RangeError for what is no size */
export function formatBytes(bytes: number): string {
  if (!Number.isFinite(bytes) || bytes < 0) throw new RangeError(`No size: ${bytes}`);
  let text = `${Math.round(bytes)} B`;
  for (const [index, unit] of SIZE_UNITS.entries()) {
    const size = 1024 ** (index + 1);
    if (bytes > size) text = `${(bytes / size).toFixed(3)} ${unit}`;
  }
  return text;
}

/** Bytes of a size as `formatBytes` writes it; three decimals of its unit is all it says. @throws ParameterError */
export function parseBytes(text: string): number {
  const match = /^(\d+(?:\.\d+)?) (B|[KMGT]iB)$/.exec(text);
  if (match === null) throw new ParameterError(`Cannot read size ${JSON.stringify(text)}: expected one such as "12.345 MiB"`);
  const [, value, unit] = match as unknown as [string, string, string];
  const exponent = unit === "B" ? 0 : SIZE_UNITS.indexOf(unit as (typeof SIZE_UNITS)[number]) + 1;
  return Math.round(Number(value) * 1024 ** exponent);
}

/** "350ms", "4.512345678s", "1m18.5s", "0s": to the nanosecond, nothing rounded. @throws RangeError for what is no number */
export function formatDuration(milliseconds: number): string {
  if (!Number.isFinite(milliseconds)) throw new RangeError(`No duration: ${milliseconds}`);
  const signed = BigInt(Math.round(milliseconds * 1e6));
  const nanoseconds = signed < 0n ? -signed : signed;
  return `${signed < 0n ? "-" : ""}${formatNanoseconds(nanoseconds)}`;
}

/** Rounded to seconds, and never negative although clocks of two machines are compared: "32s", "1m18s", "1h0m5s". */
export function formatSessionDuration(milliseconds: number): string {
  return formatDuration(Math.max(0, Math.round(milliseconds / 1000)) * 1000);
}

/** Milliseconds of "1h30m", "1.5h", "350ms", "0". @throws ParameterError */
export function parseDuration(text: string): number {
  const match = /^([+-]?)((?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+|0)$/.exec(text);
  const parts = match?.[2]?.matchAll(/(\d*)\.?(\d*)([a-zµμ]+)/g) ?? [];
  let nanoseconds = 0n;
  for (const [, whole = "", fraction = "", unit = ""] of parts) {
    const scale = NANOSECONDS[unit] as bigint;
    nanoseconds += BigInt(whole) * scale + (BigInt(fraction) * scale) / 10n ** BigInt(fraction.length);
  }
  if (match === null || nanoseconds > MAX_NANOSECONDS) {
    throw new ParameterError(`Cannot read duration ${JSON.stringify(text)}: expected one such as "30s" or "1h30m"`);
  }
  const milliseconds = Number(nanoseconds) / 1e6;
  return match[1] === "-" && milliseconds !== 0 ? -milliseconds : milliseconds;
}

/** "0:07", "12:03", "1:02:03": what is less than a second is left out, as restic does. */
export function formatProcessingTime(milliseconds: number): string {
  if (!Number.isFinite(milliseconds) || milliseconds < 0) throw new RangeError(`No duration: ${milliseconds}`);
  const total = Math.floor(milliseconds / 1000);
  const seconds = twoDigits(total % 60);
  const minutes = Math.floor(total / 60) % 60;
  const hours = Math.floor(total / 3600);
  return hours > 0 ? `${hours}:${twoDigits(minutes)}:${seconds}` : `${minutes}:${seconds}`;
}

/** RFC 3339 with whole seconds in UTC, as Kubernetes writes times. */
export function formatTime(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`;
}

function formatNanoseconds(nanoseconds: bigint): string {
  if (nanoseconds === 0n) return "0s";
  if (nanoseconds < 1_000n) return `${nanoseconds}ns`;
  if (nanoseconds < 1_000_000n) return `${decimal(nanoseconds, 3)}\u00b5s`;
  if (nanoseconds < 1_000_000_000n) return `${decimal(nanoseconds, 6)}ms`;
  const seconds = `${decimal(nanoseconds % 60_000_000_000n, 9)}s`;
  const minutes = nanoseconds / 60_000_000_000n;
  if (minutes === 0n) return seconds;
  return minutes < 60n ? `${minutes}m${seconds}` : `${minutes / 60n}h${minutes % 60n}m${seconds}`;
}

/** `value` with the point moved to the left, and no zeros at its end. */
function decimal(value: bigint, places: number): string {
  const text = value.toString().padStart(places + 1, "0");
  return `${text.slice(0, -places)}.${text.slice(-places)}`.replace(/\.?0+$/, "");
}

function twoDigits(value: number): string {
  return String(value).padStart(2, "0");
}
