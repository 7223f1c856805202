const MINUTE_MS = 60_000;
const DAY_MINUTES = 24 * 60;
const DAY_MS = DAY_MINUTES * MINUTE_MS;
/** A leap day on a given day of the week comes again after 28 years, or 40 across a century that has none. */
const YEARS = 41;

const MACROS: Readonly<Record<string, string>> = {
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
  "@monthly": "0 0 1 * *",
  "@weekly": "0 0 * * 0",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@hourly": "0 * * * *",
};
const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/**
 * The longest time, in milliseconds, between two runs that a CronJob's schedule asks for; undefined for a schedule that cannot be read or never comes.
 * Clocks that are put forward or back are left out of account.
 */
export function longestScheduleInterval(schedule: string): number | undefined {
  const text = schedule.trim().replace(/^(CRON_)?TZ=\S+\s+/, "");
  const every = /^@every\s+(?=\d)(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/.exec(text);
  if (every !== null) return every.slice(1).reduce((sum, part) => sum * 60 + Number(part ?? 0), 0) * 1000 || undefined;
  const fields = (MACROS[text.toLowerCase()] ?? text).split(/\s+/);
  if (fields.length !== 5) return undefined;
  const [minutes, hours, monthDays, months, weekDays] = [
    readField(fields[0], { from: 0, to: 59 }),
    readField(fields[1], { from: 0, to: 23 }),
    readField(fields[2], { from: 1, to: 31 }),
    readField(fields[3], { from: 1, to: 12, names: MONTHS }),
    readField(fields[4], { from: 0, to: 6, names: WEEKDAYS }),
  ];
  if (!(minutes && hours && monthDays && months && weekDays)) return undefined;
  const times = [...hours].flatMap((hour) => [...minutes].map((minute) => hour * 60 + minute)).sort((left, right) => left - right);
  // Cron's own rule: with a restriction on both kinds of days, either is enough.
  const isEitherEnough = !isAny(fields[2]) && !isAny(fields[4]);
  const isDay = (date: Date) => {
    const hits = [monthDays.has(date.getUTCDate()), weekDays.has(date.getUTCDay())];
    return months.has(date.getUTCMonth() + 1) && (isEitherEnough ? hits.includes(true) : !hits.includes(false));
  };
  return longestGap(times, isDay);
}

function longestGap(times: readonly number[], isDay: (date: Date) => boolean): number | undefined {
  const [first, last] = [times[0] as number, times.at(-1) as number];
  let longest = times.slice(1).reduce((gap, time, index) => Math.max(gap, time - (times[index] as number)), 0);
  let previous: number | undefined;
  let gaps = 0;
  for (let day = Date.UTC(2000, 0, 1); day < Date.UTC(2000 + YEARS, 0, 1); day += DAY_MS) {
    if (!isDay(new Date(day))) continue;
    if (previous !== undefined) {
      longest = Math.max(longest, (day - previous) / MINUTE_MS + first - last);
      gaps += 1;
    }
    previous = day;
  }
  return gaps === 0 ? undefined : longest * MINUTE_MS;
}

function isAny(field: string | undefined): boolean {
  return /^[*?]/.test(field ?? "");
}

interface Range {
  readonly from: number;
  readonly to: number;
  readonly names?: readonly string[];
}

/** The values of a field such as "*", "1,15", "MON-FRI", "10-50/20", "0/5"; undefined when it is none. */
function readField(field: string | undefined, range: Range): Set<number> | undefined {
  const values = new Set<number>();
  for (const part of (field ?? "").toLowerCase().split(",")) {
    const [, start, end, step] = /^(\*|\?|\w+)(?:-(\w+))?(?:\/(\d+))?$/.exec(part) ?? [];
    if (start === undefined) return undefined;
    const isStar = start === "*" || start === "?";
    if (isStar && end !== undefined) return undefined;
    const from = isStar ? range.from : readValue(start, range);
    // "5/15" runs to the end of the range, as "5-59/15" does.
    const to = isStar || (end === undefined && step !== undefined) ? range.to : end === undefined ? from : readValue(end, range);
    const by = Number(step ?? 1);
    if (from === undefined || to === undefined || from > to || by < 1) return undefined;
    for (let value = from; value <= to; value += by) values.add(value);
  }
  return values;
}

function readValue(text: string, { from, to, names = [] }: Range): number | undefined {
  const named = names.indexOf(text);
  if (named >= 0) return named + from;
  const value = /^\d+$/.test(text) ? Number(text) : undefined;
  return value !== undefined && value >= from && value <= to ? value : undefined;
}
