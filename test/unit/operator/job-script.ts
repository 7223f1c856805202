import type { Fields, LiveObject } from "../../../operator/objects.ts";
import type { ObjectName } from "../../../runner/kubernetes/cluster.ts";
import { jobName } from "../../../runner/kubernetes/resolve-names.ts";
import type { SessionWorld } from "./session-world.ts";

/** How a session's only run goes. */
export const SCRIPTS = ["good", "failedHost", "outOfMemory", "evictedLate", "silent", "unschedulable", "jobDeleted"] as const;
export type Script = (typeof SCRIPTS)[number];

type Step = (job: LiveObject) => void;

/** What kubelet, Job controller and the run itself do for one session's Job, a step at a time. */
export class JobScript {
  readonly #world: SessionWorld;
  readonly #name: ObjectName;
  readonly #steps: Step[];

  constructor(world: SessionWorld, name: ObjectName, script: Script) {
    this.#world = world;
    this.#name = name;
    this.#steps = this.#stepsOf(script);
  }

  /** The next step, if there is a Job and it has not ended. */
  advance(): void {
    const job = this.#job;
    if (job === undefined || isOver(job)) return;
    if (job.spec?.activeDeadlineSeconds !== undefined) this.#stopped(job);
    else this.#steps[0]?.(job);
  }

  #stepsOf(script: Script): Step[] {
    const running = [this.#once((job) => this.#pod(job, { phase: "Pending" })), this.#once((job) => this.#pod(job, { phase: "Running" }))];
    const good = this.#once(() => this.#world.tellHost(this.#name, { hostname: "host-0", phase: "Succeeded", snapshots: [] }));
    const said = (["RepositoryIntegrityVerified", "RetentionPolicyApplied", "RepositoryMetricsPushed"] as const).map((type) =>
      this.#once(() => this.#world.tell(this.#name, type)),
    );
    const complete = [
      this.#once((job) => this.#pod(job, { phase: "Succeeded" })),
      this.#once((job) => this.#end(job, { type: "Complete", reason: "CompletionsReached" })),
    ];
    const failed = (status: Fields) => [
      this.#once((job) => this.#pod(job, { phase: "Failed", ...status })),
      this.#once((job) => this.#end(job, { type: "Failed", reason: "PodFailurePolicy" })),
    ];
    const killed = { containerStatuses: [{ name: "backup-0", state: { terminated: { exitCode: 137, reason: "OOMKilled" } } }] };
    const unscheduled = { type: "PodScheduled", status: "False", reason: "Unschedulable", lastTransitionTime: "2026-11-22T03:00:00Z" };
    switch (script) {
      case "good":
        return [...running, good, ...said, ...complete];
      case "failedHost":
        return [...running, this.#once(() => this.#world.tellHost(this.#name, { phase: "Failed", error: "no route" })), ...complete];
      case "outOfMemory":
        return [...running, ...failed(killed)];
      case "evictedLate":
        return [...running, good, ...said.slice(0, 1), ...failed({ reason: "Evicted" })];
      case "silent":
        return [...running, ...complete];
      case "unschedulable":
        return [this.#once((job) => this.#pod(job, { phase: "Pending", conditions: [unscheduled] }))];
      case "jobDeleted":
        return [...running, () => this.#deleteJob()];
    }
  }

  #once(step: Step): Step {
    return (job) => {
      step(job);
      this.#steps.shift();
    };
  }

  get #job(): LiveObject | undefined {
    return this.#world.api.peek("Job", {
      namespace: this.#name.namespace,
      name: jobName({ kind: "BackupSession", name: this.#name.name }, 0),
    });
  }

  #pod(job: LiveObject, status: Fields): void {
    const { name, namespace = "", uid } = job.metadata;
    const labels = { "app.kubernetes.io/managed-by": "stash.appscode.com", "batch.kubernetes.io/job-name": name };
    const owner = { apiVersion: "batch/v1", kind: "Job", name, uid, controller: true, blockOwnerDeletion: true } as const;
    const metadata = { name: `${name}-x`, namespace, labels, ownerReferences: [owner] };
    this.#world.api.put({ apiVersion: "v1", kind: "Pod", metadata, spec: {}, status });
    this.#world.api.putStatus("Job", job.metadata as ObjectName, { ...job.status, active: 1, startTime: this.#now });
  }

  #end(job: LiveObject, condition: Fields): void {
    const conditions = [{ status: "True", message: "", lastTransitionTime: this.#now, ...condition }];
    const completed = condition.type === "Complete" ? { completionTime: this.#now } : {};
    this.#world.api.putStatus("Job", job.metadata as ObjectName, { ...job.status, active: 0, conditions, ...completed });
  }

  /** Its controller removes the pods, and then says so. */
  #stopped(job: LiveObject): void {
    const pod = this.#world.api.all("Pod").find(({ metadata }) => metadata.ownerReferences?.[0]?.uid === job.metadata.uid);
    if (pod !== undefined) this.#world.api.delete("Pod", pod.metadata as ObjectName);
    this.#end(job, { type: "Failed", reason: "DeadlineExceeded" });
  }

  /** By a person, who finds it in the session's status. */
  #deleteJob(): void {
    const [entry] = (this.#world.session(this.#name).status?.targets ?? []) as readonly { readonly conditions?: readonly Fields[] }[];
    const job = this.#job;
    if (job === undefined || !entry?.conditions?.some(({ type }) => type === "BackupExecutorEnsured")) return;
    this.#world.api.delete("Job", job.metadata as ObjectName);
    this.#steps.shift();
  }

  get #now(): string {
    return this.#world.clock.now().toISOString();
  }
}

function isOver({ status }: LiveObject): boolean {
  return ((status?.conditions ?? []) as readonly Fields[]).some(({ type }) => type === "Complete" || type === "Failed");
}
