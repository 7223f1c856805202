import type { Cluster, ClusterOptions, ObjectName } from "../runner/kubernetes/cluster.ts";
import { parseObject } from "../runner/kubernetes/parse-object.ts";
import type { LiveObject } from "./objects.ts";
import type { Clock } from "./watch/clock.ts";

export interface SparingParts {
  readonly cached: (kind: "Repository" | "AppBinding", name: ObjectName) => LiveObject | undefined;
  readonly clock: Clock;
}

/** At three in the morning all sessions ask for the same few Tasks at once. */
const REMEMBERED_MS = 2_000;

/** The cluster, asked less: what is watched comes from memory when it is there, and a Task or Function is read once in two seconds, whoever asks. */
export function sparingCluster(cluster: Cluster, { cached, clock }: SparingParts): Cluster {
  const read = <K extends "Repository" | "AppBinding">(kind: K, name: ObjectName) => {
    const object = cached(kind, name);
    return object === undefined ? undefined : parseObject(kind, object, { name: `${name.namespace}/${name.name}` });
  };
  const task = remembering(clock, (name, options) => cluster.task(name, options));
  const stashFunction = remembering(clock, (name, options) => cluster.stashFunction(name, options));
  return {
    repository: async (name, options) => read("Repository", name) ?? cluster.repository(name, options),
    appBinding: async (name, options) => read("AppBinding", name) ?? cluster.appBinding(name, options),
    task,
    stashFunction,
    secret: (name, options) => cluster.secret(name, options),
    namespaceLabels: (name, options) => cluster.namespaceLabels(name, options),
    backupSession: (name, options) => cluster.backupSession(name, options),
    restoreSession: (name, options) => cluster.restoreSession(name, options),
    backupInvoker: (kind, name, options) => cluster.backupInvoker(kind, name, options),
    updateStatus: (kind, name, change, options) => cluster.updateStatus(kind, name, change, options),
    emitEvent: (event, options) => cluster.emitEvent(event, options),
    mayI: (action, options) => cluster.mayI(action, options),
  };
}

/** An answer that is under way is everybody's; one that failed is nobody's. */
function remembering<T>(clock: Clock, ask: (name: string, options?: ClusterOptions) => Promise<T>) {
  const answers = new Map<string, { readonly answer: Promise<T>; readonly untilMs: number }>();
  return (name: string, options?: ClusterOptions): Promise<T> => {
    const now = clock.monotonicMs();
    for (const [known, { untilMs }] of answers) if (untilMs <= now) answers.delete(known);
    const known = answers.get(name);
    if (known !== undefined) return known.answer;
    const answer = ask(name, options);
    answers.set(name, { answer, untilMs: now + REMEMBERED_MS });
    answer.catch(() => answers.delete(name));
    return answer;
  };
}
