import { describeError } from "../../runner/errors.ts";
import type { Log } from "../../runner/function.ts";
import { eventObject } from "../../runner/kubernetes/api-event.ts";
import type { TellEvent } from "../action.ts";
import type { WantedObject } from "../objects.ts";
import type { ObjectsApi } from "../objects-api.ts";
import { type Clock, systemClock } from "../watch/clock.ts";

const MEMORY_MS = 3_600_000;
const MOST_REMEMBERED = 5_000;

/** Tells events, each once an hour at most. One that cannot be told is logged: no event is the only record of anything. */
export class EventTeller {
  readonly #api: Pick<ObjectsApi, "create">;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #told = new Map<string, number>();

  constructor(api: Pick<ObjectsApi, "create">, log: Log, { clock = systemClock }: { readonly clock?: Clock } = {}) {
    this.#api = api;
    this.#log = log;
    this.#clock = clock;
  }

  /** @throws the signal's reason, and nothing else */
  async tell(event: TellEvent, signal: AbortSignal): Promise<void> {
    const { kind, object, type, reason, message } = event;
    const key = JSON.stringify([object.uid, reason, message]);
    const now = this.#clock.monotonicMs();
    if (now - (this.#told.get(key) ?? Number.NEGATIVE_INFINITY) < MEMORY_MS) return;
    this.#remember(key, now);
    const fields = { kind, namespace: object.namespace, name: object.name, reason };
    if (type === "Warning") this.#log.warn(message, fields);
    else this.#log.info(message, fields);
    try {
      const body = eventObject({ kind, object, type, reason, message }, object.uid);
      await this.#api.create(body as unknown as WantedObject, { signal });
    } catch (error) {
      this.#told.delete(key);
      signal.throwIfAborted();
      this.#log.warn(`Cannot tell the event ${reason}: ${describeError(error)}`, fields);
    }
  }

  #remember(key: string, now: number): void {
    this.#told.delete(key);
    this.#told.set(key, now);
    for (const oldest of this.#told.keys()) {
      if (this.#told.size <= MOST_REMEMBERED) return;
      this.#told.delete(oldest);
    }
  }
}
