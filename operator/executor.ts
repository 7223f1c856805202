// executor: the Job of one target, with its pods: what does the work.

/** What Job and pods say, whatever the session's status says: a result that was written there counts more. */
export type ExecutorState =
  /** There is no Job, as far as the caches know: asked of the server before it is believed. */
  | { readonly kind: "absent" }
  /** `trouble`: it may yet come right by itself; told as an Event now, and a failure at `wakeAt`. */
  | { readonly kind: "working"; readonly trouble?: ExecutorTrouble | undefined; readonly wakeAt?: Date | undefined }
  /** Every container ended with 0. */
  | { readonly kind: "succeeded"; readonly finished: Date }
  | { readonly kind: "failed"; readonly failure: ExecutorFailure };

export interface ExecutorTrouble {
  /** CamelCase: "Unschedulable", "ImagePullBackOff". */
  readonly reason: string;
  readonly message: string;
}

export interface ExecutorFailure extends ExecutorTrouble {
  /** Of the container that failed, where there was one. */
  readonly exitCode?: number | undefined;
  /** Whether another try may end better: never for wrong parameters, an incomplete backup, a database or store that refuses. */
  readonly isWorthRetry: boolean;
}
