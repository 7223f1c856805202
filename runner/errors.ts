// An error class for each decision that a caller takes, and the table from class to exit code.
// Codes are a documented interface: README.md, "Exit codes".

export interface ErrorOptions {
  readonly cause?: unknown;
  /** What the person can do about it; printed on its own line. */
  readonly hint?: string;
  /** CamelCase, for conditions, events and the termination message; each class has a default. */
  readonly reason?: string;
  /** Facts for the report: counts of what was done before the failure, names of what is missing. No secrets. */
  readonly facts?: Readonly<Record<string, unknown>>;
}

/** The base of every failure that has a name. Messages carry no secret and no final period. */
export abstract class HoldfastError extends Error {
  abstract readonly exitCode: number;
  readonly reason: string;
  readonly hint: string | undefined;
  readonly facts: Readonly<Record<string, unknown>>;

  constructor(defaultReason: string, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.reason = options.reason ?? defaultReason;
    this.hint = options.hint;
    this.facts = options.facts ?? {};
  }
}

/** Parameters or objects are wrong; nothing has been touched. */
export class ParameterError extends HoldfastError {
  readonly exitCode = 2;
  constructor(message: string, options?: ErrorOptions) {
    super("InvalidParameters", message, options);
  }
}

/** Something seen was not stored, or what is stored is not what was there. */
export class IncompleteError extends HoldfastError {
  readonly exitCode = 3;
  constructor(message: string, options?: ErrorOptions) {
    super("Incomplete", message, options);
  }
}

/** The deadline of the run passed before its end. */
export class DeadlineExceededError extends HoldfastError {
  readonly exitCode = 3;
  constructor(message: string, options?: ErrorOptions) {
    super("DeadlineExceeded", message, options);
  }
}

/** There is no repository at this place, or no such snapshot in it. */
export class NoSuchSnapshotError extends HoldfastError {
  readonly exitCode = 10;
  constructor(message: string, options?: ErrorOptions) {
    super("SnapshotNotFound", message, options);
  }
}

/** Somebody alive holds what is needed; worth another try later. */
export class LockedError extends HoldfastError {
  readonly exitCode = 11;
  constructor(message: string, options?: ErrorOptions) {
    super("Locked", message, options);
  }
}

/** The passphrase does not open the repository, or the key file is damaged. */
export class WrongPassphraseError extends HoldfastError {
  readonly exitCode = 12;
  constructor(message: string, options?: ErrorOptions) {
    super("WrongPassphrase", message, options);
  }
}

/** The database cannot be reached, is not ready, or went away; worth another try. */
export class DatabaseUnavailableError extends HoldfastError {
  readonly exitCode = 20;
  constructor(message: string, options?: ErrorOptions) {
    super("DatabaseUnavailable", message, options);
  }
}

/** The database answers no: permission, conflict, version, memory. */
export class DatabaseRefusedError extends HoldfastError {
  readonly exitCode = 21;
  constructor(message: string, options?: ErrorOptions) {
    super("DatabaseRefused", message, options);
  }
}

/** The store cannot be reached or failed for a moment; the retrying store repeats these. */
export class StoreUnavailableError extends HoldfastError {
  readonly exitCode = 30;
  constructor(message: string, options?: ErrorOptions) {
    super("StoreUnavailable", message, options);
  }
}

/** The store answers no: credentials, missing bucket, full disk, object lock; never retried. */
export class StoreRefusedError extends HoldfastError {
  readonly exitCode = 31;
  constructor(message: string, options?: ErrorOptions) {
    super("StoreRefused", message, options);
  }
}

/** The Kubernetes API cannot be reached or failed for a moment; worth another try. */
export class ClusterUnavailableError extends HoldfastError {
  readonly exitCode = 40;
  constructor(message: string, options?: ErrorOptions) {
    super("ClusterUnavailable", message, options);
  }
}

/** The Kubernetes API answers no: a right is missing, or it does not take what was written; never retried. */
export class ClusterRefusedError extends HoldfastError {
  readonly exitCode = 41;
  constructor(message: string, options?: ErrorOptions) {
    super("ClusterRefused", message, options);
  }
}

/** A person or the cluster stopped the run; everything was aborted cleanly. */
export class InterruptedError extends HoldfastError {
  readonly exitCode: 143 | 130;
  constructor(signal: "SIGTERM" | "SIGINT", options?: ErrorOptions) {
    super("Interrupted", `Stopped by ${signal}`, options);
    this.exitCode = signal === "SIGTERM" ? 143 : 130;
  }
}

/** The exit code of any thrown value; what has no name is a defect of ours: 1. */
export function exitCodeOf(error: unknown): number {
  return error instanceof HoldfastError ? error.exitCode : 1;
}

/** An error's message and those of its causes, joined; for a person to read. */
export function describeError(error: unknown): string {
  const parts: string[] = [];
  for (let current: unknown = error; current !== undefined && parts.length < 6; ) {
    const text = current instanceof Error ? current.message || current.name : String(current);
    if (text !== "" && !parts.some((part) => part.includes(text))) parts.push(text);
    current = current instanceof Error ? current.cause : undefined;
  }
  return parts.join(": ");
}
