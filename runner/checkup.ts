// check: one thing that a run needs, looked at. finding: what is known of it.
import { ClusterUnavailableError, describeError, HoldfastError, IncompleteError } from "./errors.ts";

export interface Finding {
  readonly check: string;
  /** "unknown": nobody could tell, because of another finding or of an API that did not answer. */
  readonly status: "ok" | "missing" | "unknown";
  readonly detail: string;
  readonly remedy?: string | undefined;
  /** What a person should know although all is well. */
  readonly notes?: readonly string[] | undefined;
}

/** A list of checks of which each is made whatever became of the others. */
export class Checkup {
  readonly findings: Finding[] = [];
  readonly #signal: AbortSignal;
  #failure: { readonly error: unknown } | undefined;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  get hasFailed(): boolean {
    return this.findings.some(({ status }) => status !== "ok");
  }

  /** Makes one check; resolves with what it found, or undefined when it failed. @throws only the signal's reason */
  async look<T>(check: string, work: (note: (text: string) => void) => Promise<{ readonly detail: string; readonly value: T }>) {
    const notes: string[] = [];
    try {
      const { detail, value } = await work((text) => void notes.push(text));
      this.findings.push({ check, status: "ok", detail, ...(notes.length > 0 && { notes }) });
      return value;
    } catch (error) {
      this.#signal.throwIfAborted();
      this.#failure ??= { error };
      const status = error instanceof ClusterUnavailableError ? "unknown" : "missing";
      const remedy = error instanceof HoldfastError ? error.hint : "This is a defect of holdfast: please report it";
      this.findings.push({ check, status, detail: describeError(error), remedy, ...(notes.length > 0 && { notes }) });
      return undefined;
    }
  }

  /** For a check that cannot be made. */
  skip(check: string, because: string): void {
    this.findings.push({ check, status: "unknown", detail: because });
  }

  /** @throws what the first check failed with, or IncompleteError when something is unknown and nothing says why */
  conclude(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
    const unknown = this.findings.filter(({ status }) => status !== "ok").map(({ check }) => check);
    if (unknown.length > 0) throw new IncompleteError(`Not everything could be looked at: ${unknown.join(", ")}`);
  }
}
