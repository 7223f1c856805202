import { ClusterRefusedError } from "../../runner/errors.ts";
import { SPARED_KINDS, type WatchedKind } from "../kinds.ts";
import type { ObjectsApi } from "../objects-api.ts";
import type { OperatorSettings } from "../settings.ts";
import type { Clock } from "../watch/clock.ts";
import type { HealthAnswers } from "./serve-health.ts";

interface Watched {
  readonly isSynced: boolean;
  /** When the server last had something to say about it, by the clock's monotonic time. */
  readonly lastContactMs: number | undefined;
}

export interface HealthParts {
  readonly reflectors: ReadonlyMap<WatchedKind, Watched>;
  readonly api: ObjectsApi;
  readonly settings: Pick<OperatorSettings, "namespace">;
  readonly clock: Clock;
}

const LONGEST_SILENCE_MS = 300_000;
const LOOK_MS = 3_000;

/**
 * Ready once all kinds are in memory, but for those that a cluster need not have. Sick when a kind was not heard of for five minutes although the server answers: a network that is down for all is not cured by starting
 * anew, and would have every operator restarted in a circle.
 */
export function judgeHealth({ reflectors, api, settings, clock }: HealthParts): Pick<HealthAnswers, "sick" | "unready"> {
  const started = clock.monotonicMs();
  return {
    unready() {
      const missing = [...reflectors].filter(([kind, { isSynced }]) => !isSynced && !SPARED_KINDS.has(kind)).map(([kind]) => kind);
      return missing.length === 0 ? undefined : `not yet in memory: ${missing.join(", ")}`;
    },
    async sick() {
      const now = clock.monotonicMs();
      const silent = [...reflectors]
        .filter(([kind, { isSynced }]) => isSynced || !SPARED_KINDS.has(kind))
        .filter(([, { lastContactMs }]) => now - (lastContactMs ?? started) > LONGEST_SILENCE_MS)
        .map(([kind]) => kind);
      if (silent.length === 0 || !(await doesAnswer(api, settings))) return undefined;
      return `nothing heard for ${LONGEST_SILENCE_MS / 1000} s of ${silent.join(", ")}, although the server answers`;
    },
  };
}

async function doesAnswer(api: ObjectsApi, { namespace }: Pick<OperatorSettings, "namespace">): Promise<boolean> {
  try {
    await api.get("Lease", { namespace, name: "holdfast-operator" }, { signal: AbortSignal.timeout(LOOK_MS) });
    return true;
  } catch (error) {
    // A plain no is an answer, too: with a new start comes a new look at token and rights.
    return error instanceof ClusterRefusedError;
  }
}
