import type { LiveObject, WantedObject } from "../objects.ts";
import type { Clock } from "./clock.ts";

export interface LeaseHolder {
  readonly namespace: string;
  readonly name: string;
  readonly identity: string;
  readonly durationMs: number;
  readonly clock: Clock;
}

/** Who has a lease, "" for nobody. */
export function holderOf({ spec }: LiveObject): string {
  return typeof spec?.holderIdentity === "string" ? spec.holderIdentity : "";
}

export function newLease(holder: LeaseHolder): WantedObject {
  const { namespace, name, clock } = holder;
  const spec = { ...heldBy(holder), acquireTime: microTime(clock.now()), leaseTransitions: 0 };
  return { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata: { namespace, name }, spec };
}

/** The same lease, as ours: renewed, or taken over. */
export function renewedLease(lease: LiveObject, holder: LeaseHolder): LiveObject {
  if (holderOf(lease) === holder.identity) return { ...lease, spec: { ...lease.spec, ...heldBy(holder) } };
  const { leaseTransitions } = lease.spec ?? {};
  const taken = { acquireTime: microTime(holder.clock.now()), leaseTransitions: Number(leaseTransitions ?? 0) + 1 };
  return { ...lease, spec: { ...lease.spec, ...heldBy(holder), ...taken } };
}

/** The same lease, as nobody's. */
export function releasedLease(lease: LiveObject, clock: Clock): LiveObject {
  // An empty holder is refused by newer servers: it is left out.
  const { holderIdentity: _holder, ...spec } = lease.spec ?? {};
  return { ...lease, spec: { ...spec, leaseDurationSeconds: 1, renewTime: microTime(clock.now()) } };
}

function heldBy({ identity, durationMs, clock }: LeaseHolder): { holderIdentity: string; leaseDurationSeconds: number; renewTime: string } {
  return { holderIdentity: identity, leaseDurationSeconds: Math.max(1, Math.ceil(durationMs / 1000)), renewTime: microTime(clock.now()) };
}

/** Six fractional digits: the API takes nothing else. */
function microTime(date: Date): string {
  return date.toISOString().replace(/Z$/, "000Z");
}

/** Whether others have let go: judged by our own time since we last saw a lease change, never by what their clocks wrote. */
export class LeaseWatch {
  readonly #holder: LeaseHolder;
  #seen = "";
  #changedMs = 0;

  constructor(holder: LeaseHolder) {
    this.#holder = holder;
  }

  mayTake(lease: LiveObject): boolean {
    const { identity, durationMs, clock } = this.#holder;
    const other = holderOf(lease);
    if (other === "" || other === identity) return true;
    const { leaseDurationSeconds, renewTime } = lease.spec ?? {};
    const now = clock.monotonicMs();
    const seen = JSON.stringify([lease.metadata.uid, other, renewTime]);
    if (seen !== this.#seen) {
      this.#seen = seen;
      this.#changedMs = now;
    }
    return now - this.#changedMs >= Math.max(durationMs, Number(leaseDurationSeconds ?? 0) * 1000);
  }
}
