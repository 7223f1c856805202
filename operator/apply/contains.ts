import { isSameQuantity } from "./quantity.ts";

/** Maps of amounts, and single ones: the API server writes them its own way ("1000m" becomes "1"). */
const AMOUNTS = ["limits", "requests", "sizeLimit", "divisor"];
/** Of these the API server keeps no `false`. Of others it does, and there a `false` that is missing may mean `true`. */
const LEFT_OUT_WHEN_FALSE = ["hostNetwork", "hostPID", "hostIPC", "readOnly", "stdin", "stdinOnce", "tty", "publishNotReadyAddresses"];

/**
 * Whether an object holds everything that is wanted of it. Lists have to agree item by item; members that nobody named may be there. What is empty counts as absent, since the
 * API server leaves much of it out.
 */
export function contains(object: unknown, wanted: unknown): boolean {
  return holds(object, wanted, { isAmount: false, mayLackFalse: false });
}

interface Place {
  readonly isAmount: boolean;
  readonly mayLackFalse: boolean;
}

function holds(object: unknown, wanted: unknown, place: Place): boolean {
  if (wanted === undefined) return true;
  if (Array.isArray(wanted) && Array.isArray(object)) {
    return object.length === wanted.length && wanted.every((item, index) => holds(object[index], item, place));
  }
  if (isRecord(wanted) && isRecord(object)) {
    return Object.entries(wanted).every(([key, value]) => holds(object[key], value, placeOf(key, place)));
  }
  if (object === wanted || (place.isAmount && isSameQuantity(object, wanted))) return true;
  if (wanted === false) return place.mayLackFalse && (object === undefined || object === null);
  return isEmpty(object) && isEmpty(wanted);
}

function placeOf(key: string, { isAmount }: Place): Place {
  return { isAmount: isAmount || AMOUNTS.includes(key), mayLackFalse: LEFT_OUT_WHEN_FALSE.includes(key) };
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === "" || value === 0) return true;
  if (Array.isArray(value)) return value.length === 0;
  return (
    isRecord(value) &&
    Object.entries(value).every(([key, member]) => isEmpty(member) || (member === false && LEFT_OUT_WHEN_FALSE.includes(key)))
  );
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
