/**
 * Whether an object holds everything that is wanted of it. Lists have to agree item by item; members that nobody named may be there. What is empty counts as absent, since the
 * API server leaves much of it out.
 */
export function contains(object: unknown, wanted: unknown): boolean {
  if (wanted === undefined) return true;
  if (Array.isArray(wanted) && Array.isArray(object)) {
    return object.length === wanted.length && wanted.every((item, index) => contains(object[index], item));
  }
  if (isRecord(wanted) && isRecord(object)) return Object.entries(wanted).every(([key, value]) => contains(object[key], value));
  return object === wanted || (isEmpty(object) && isEmpty(wanted));
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === "" || value === false || value === 0) return true;
  if (Array.isArray(value)) return value.length === 0;
  return isRecord(value) && Object.values(value).every(isEmpty);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
