import type { KubernetesObject, KubernetesObjects } from "../../servers/kubernetes/kubernetes-objects.ts";
import { waitForObject } from "../../servers/kubernetes/wait-for-object.ts";
import type { Pushgateway } from "../../servers/pushgateway.ts";

export interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

export interface SessionStatus {
  readonly phase?: string;
  readonly conditions?: readonly Condition[];
}

const FINAL = ["Succeeded", "Failed", "Skipped", "Invalid", "Unknown"];

/** Resolves once the BackupSession or RestoreSession has ended, however it did; a phase that is not the wanted one rejects at once, with its status. */
export async function endOf(
  objects: KubernetesObjects,
  session: Pick<KubernetesObject, "apiVersion" | "kind" | "metadata">,
  options: { readonly wanted?: string } = {},
): Promise<KubernetesObject> {
  const ended = await waitForObject(objects, session, (each) => FINAL.includes(statusOf(each).phase ?? ""), { timeoutMs: 240_000 });
  const { phase } = statusOf(ended);
  if (phase !== (options.wanted ?? "Succeeded")) throw new Error(`The ${session.kind} ended as ${phase}: ${JSON.stringify(ended.status)}`);
  return ended;
}

export function statusOf(object: KubernetesObject): SessionStatus {
  return (object.status ?? {}) as SessionStatus;
}

/** "Type Status", in the order they stand. */
export function conditionsOf(holder: SessionStatus | undefined): readonly string[] {
  return (holder?.conditions ?? []).map(({ type, status }) => `${type} ${status}`);
}

export type Values = ReadonlyMap<string, number>;

/** Values of the series of this namespace and these labels by name, once all the names are there: a run pushes them after its last words in a status. */
export async function seriesOf(gateway: Pushgateway, labels: Readonly<Record<string, string>>, names: readonly string[]): Promise<Values> {
  for (const deadline = Date.now() + 60_000; ; ) {
    const all = await gateway.series();
    const matching = all.filter((series) => Object.entries(labels).every(([name, value]) => series.labels[name] === value));
    const values = new Map(matching.map(({ name, value }) => [name, value]));
    const missing = names.filter((name) => !values.has(name));
    if (missing.length === 0) return values;
    if (Date.now() > deadline) {
      const found = all.map(({ name, labels: own }) => `${name} ${JSON.stringify(own)}`);
      throw new Error(`The gateway has no ${missing.join(", ")} with ${JSON.stringify(labels)}; it has ${found.join("\n")}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
