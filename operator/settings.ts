/** What the operator is told at its start, and every reconciler may use. */
export interface OperatorSettings {
  /** The operator's own image: that of the pods that trigger backups, and what Stash's Functions name by ${STASH_DOCKER_IMAGE}. */
  readonly image: string;
  /** Where the operator itself runs; its Lease lies there. */
  readonly namespace: string;
  /** Where metrics are pushed, by jobs and by the operator; nowhere when absent. */
  readonly pushgatewayUrl: string | undefined;
  /** Our one ClusterRole that jobs are bound to. */
  readonly jobClusterRole: string;
  /** A pod that no node takes has failed after this. */
  readonly pendingTimeoutMs: number;
  /** A pod whose image cannot be had, whose container cannot be made, or that is not made at all has failed after this. */
  readonly waitingTimeoutMs: number;
}
