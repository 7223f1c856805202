import { isDeepStrictEqual } from "node:util";
import { ParameterError } from "../errors.ts";
import type { Status } from "./cluster.ts";

/** A list of objects in a status, empty when it is not there. @throws ParameterError for anything else: what others wrote is never dropped */
export function listIn(status: Status, field: string): readonly Status[] {
  const list = status[field] ?? [];
  if (Array.isArray(list) && list.every(isObject)) return list;
  throw new ParameterError(`Cannot read the status: "${field}" is not a list of objects`, {
    reason: "InvalidStatus",
    hint: "Something else than Stash and holdfast wrote it: look at the object with kubectl get -o yaml, delete it, and make it anew",
  });
}

/** The status with this entry in the place of the first one that `isSame`, or at the end; the very same when the entry stands already. */
export function upsert(status: Status, entry: Status, options: { field: string; isSame(other: Status): boolean }): Status {
  const list = listIn(status, options.field);
  const index = list.findIndex(options.isSame);
  if (isDeepStrictEqual(list[index], entry)) return status;
  return { ...status, [options.field]: index === -1 ? [...list, entry] : list.with(index, entry) };
}

function isObject(value: unknown): value is Status {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
