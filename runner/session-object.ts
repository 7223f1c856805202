// session: Stash's object for one backup or one restore, whose status is where everybody looks for the truth about it.
import { describeError, ParameterError } from "./errors.ts";
import type { Log } from "./function.ts";
import type { BackupSession, Cluster, ClusterEvent, ObjectName, RestoreSession, Status, StatusChange } from "./kubernetes/cluster.ts";
import type { SessionTimes } from "./kubernetes/status.ts";
import { type Condition, findCondition, withCondition } from "./kubernetes/status-condition.ts";
import type { HostStats } from "./kubernetes/status-hosts.ts";
import { pollUntil } from "./session-poll.ts";

export interface SessionOptions {
  readonly session: ObjectName;
  /** The run's. */
  readonly signal: AbortSignal;
  readonly log: Log;
  warn(reason: string, message: string): void;
  /** Every text that leaves for the cluster passes through it. */
  redact?(text: string): string;
  now?(): Date;
  readonly delays?: Partial<SessionDelays>;
}

export interface SessionDelays {
  readonly firstPollMs: number;
  readonly lastPollMs: number;
  /** How long the operator may take to write the session's target after it made the Job. */
  readonly targetWaitMs: number;
  readonly othersPollMs: number;
  readonly othersWaitMs: number;
  /** How long a write is tried while the API is away: the word of a finished backup must outlast that. */
  readonly patienceMs: number;
  readonly eventPatienceMs: number;
  /** From the run's abort to the end of its last word; the process ends 25 s after the abort. */
  readonly lastWordMs: number;
}

const MINUTE_MS = 60_000;
const DELAYS: SessionDelays = {
  firstPollMs: 200,
  lastPollMs: 5_000,
  targetWaitMs: 5 * MINUTE_MS,
  othersPollMs: 5_000,
  othersWaitMs: 30 * MINUTE_MS,
  patienceMs: 30 * MINUTE_MS,
  eventPatienceMs: 10_000,
  lastWordMs: 20_000,
};

export interface WriteOptions {
  /** Goes on after the run's abort, until `lastWordMs` later: for what must be said about a run that was stopped. Otherwise the abort ends it. */
  readonly afterAbort?: boolean;
}

interface KindOfSession<T> {
  readonly kind: "BackupSession" | "RestoreSession";
  read(cluster: Cluster, ...parameters: Parameters<Cluster["backupSession"]>): Promise<T>;
  complete(status: Status, times: SessionTimes): Status;
}

/** A session with its writes, all of them to the very object that was there at the start. @throws ParameterError when it is missing */
export async function openSessionObject<T extends BackupSession | RestoreSession>(
  cluster: Cluster,
  options: SessionOptions,
  kindOfSession: KindOfSession<T>,
): Promise<SessionObject<T>> {
  const delays = { ...DELAYS, ...options.delays };
  const lastWord = lastWordOf(options.signal, delays.lastWordMs);
  const object = await kindOfSession.read(cluster, options.session, { signal: options.signal });
  return new SessionObject(object, { ...options, ...kindOfSession, cluster, delays, lastWord });
}

type Parts<T> = SessionOptions & KindOfSession<T> & { cluster: Cluster; delays: SessionDelays; lastWord: AbortSignal };

export class SessionObject<T extends BackupSession | RestoreSession> {
  readonly object: T;
  readonly name: ObjectName;
  readonly uid: string | undefined;
  /** When the session was created; now, for an object from a file that does not say. */
  readonly created: Date;
  readonly delays: SessionDelays;
  readonly #parts: Parts<T>;

  constructor(object: T, parts: Parts<T>) {
    this.object = object;
    this.name = parts.session;
    this.uid = object.metadata.uid;
    this.delays = parts.delays;
    this.#parts = parts;
    this.created = createdOf(object, parts);
  }

  /** Writes the change and all that follows from it. @throws ParameterError with reason "ObjectReplaced" when the session was made anew */
  async write(change: StatusChange, { afterAbort = false }: WriteOptions = {}): Promise<void> {
    const { cluster, kind, signal, lastWord, delays, complete } = this.#parts;
    const { created, uid } = this;
    await cluster.updateStatus(kind, this.name, (status) => complete(change(status), { created, now: this.#now() }), {
      uid,
      signal: afterAbort ? lastWord : signal,
      patienceMs: delays.patienceMs,
    });
  }

  async writeCondition(condition: Condition, options?: WriteOptions): Promise<void> {
    await this.write((status) => this.withCondition(status, condition), options);
  }

  withCondition(status: Status, condition: Condition): Status {
    return withCondition(status, { ...condition, message: this.redact(condition.message) }, this.#now());
  }

  async findCondition(type: string): Promise<Status | undefined> {
    return findCondition(await this.#readStatus(this.delays.patienceMs), type);
  }

  redactStats(stats: HostStats): HostStats {
    return stats.error === undefined ? stats : { ...stats, error: this.redact(stats.error) };
  }

  redact(text: string): string {
    return this.#parts.redact?.(text) ?? text;
  }

  /** Looks at the status until there is something in it; `undefined` when there was nothing until the bound. */
  async poll<R>(look: (status: Status) => R | undefined, wait: { firstMs: number; lastMs: number; boundMs: number; for: string }) {
    const { log, signal } = this.#parts;
    let isTold = false;
    const lookOnce = async (patienceMs: number) => {
      const found = look(await this.#readStatus(patienceMs));
      if (found === undefined && !isTold) {
        log.info(`Waiting for ${wait.for}`, { atMostSeconds: wait.boundMs / 1000 });
        isTold = true;
      }
      return found;
    };
    return pollUntil(lookOnce, { ...wait, signal });
  }

  /** Never the only record of anything, so a failure is a warning. */
  async event(type: ClusterEvent["type"], reason: string, message: string): Promise<void> {
    const { cluster, kind, lastWord, delays, warn } = this.#parts;
    try {
      const event = { kind, object: this.name, type, reason, message: this.redact(message) };
      await cluster.emitEvent(event, { signal: lastWord, patienceMs: delays.eventPatienceMs });
    } catch (error) {
      warn("EventNotEmitted", `Cannot emit event "${reason}": ${describeError(error)}`);
    }
  }

  async #readStatus(patienceMs: number): Promise<Status> {
    const { cluster, kind, read, signal } = this.#parts;
    const object = await read(cluster, this.name, { signal, patienceMs });
    if (this.uid !== undefined && object.metadata.uid !== this.uid) {
      throw new ParameterError(`${kind} "${this.name.namespace}/${this.name.name}" is not the one this run began with: it was made anew`, {
        reason: "ObjectReplaced",
      });
    }
    return object.status ?? {};
  }

  #now(): Date {
    return this.#parts.now?.() ?? new Date();
  }
}

function createdOf(object: BackupSession | RestoreSession, { kind, now }: Pick<Parts<never>, "kind" | "now">): Date {
  const { creationTimestamp, namespace, name } = object.metadata;
  const created = creationTimestamp === undefined ? (now?.() ?? new Date()) : new Date(creationTimestamp);
  if (!Number.isNaN(created.getTime())) return created;
  throw new ParameterError(`${kind} "${namespace}/${name}" is not valid: metadata.creationTimestamp: expected a time in RFC 3339`);
}

/** Aborted some time after the run's signal, with its reason. Listens as long as the run does. */
function lastWordOf(signal: AbortSignal, delayMs: number): AbortSignal {
  const controller = new AbortController();
  signal.addEventListener("abort", () => void setTimeout(() => controller.abort(signal.reason), delayMs).unref(), { once: true });
  return controller.signal;
}
