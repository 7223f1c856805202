const SUFFIXES: Readonly<Record<string, number>> = {
  ...{ "": 1, k: 1e3, M: 1e6, G: 1e9, T: 1e12, P: 1e15, E: 1e18 },
  ...{ Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40, Pi: 2 ** 50, Ei: 2 ** 60 },
};
/** Divided by, since that is exact where multiplying by a part is not. */
const PARTS: Readonly<Record<string, number>> = { m: 1e3, u: 1e6, n: 1e9 };

/** Whether both are Kubernetes quantities of the same amount: 1, "1" and "1000m" are. */
export function isSameQuantity(one: unknown, other: unknown): boolean {
  const amount = amountOf(one);
  return amount !== undefined && amount === amountOf(other);
}

function amountOf(value: unknown): number | undefined {
  if (typeof value !== "string" && typeof value !== "number") return undefined;
  const [, digits, suffix = "", exponent] =
    /^([+-]?(?:\d+\.?\d*|\.\d+))(?:([KMGTPE]i|[numkMGTPE])|[eE]([+-]?\d{1,3}))?$/.exec(String(value)) ?? [];
  if (digits === undefined) return undefined;
  if (exponent !== undefined) return Number(`${digits}e${exponent}`);
  const part = PARTS[suffix];
  return part === undefined ? Number(digits) * (SUFFIXES[suffix] as number) : Number(digits) / part;
}
