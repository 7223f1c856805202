// mark: the annotation that says that a restore's Job was made, or is about to be.
import { formatTime } from "../../runner/kubernetes/go-format.ts";
import { JOB_CREATED } from "../names.ts";
import type { LiveObject } from "../objects.ts";

/** Whether this very session has it: one that somebody copied from another session with its annotations says nothing. One without a uid counts. */
export function isMarked({ metadata }: LiveObject): boolean {
  const mark = metadata.annotations?.[JOB_CREATED];
  if (mark === undefined) return false;
  const [, uid = metadata.uid] = mark.split(" ");
  return uid === metadata.uid;
}

/** The session with its mark: when, and whose. */
export function marked(live: LiveObject, now: Date): LiveObject {
  const { metadata } = live;
  const annotations = { ...metadata.annotations, [JOB_CREATED]: `${formatTime(now)} ${metadata.uid}` };
  return { ...live, metadata: { ...metadata, annotations } };
}
