import type { BackupSession } from "../../runner/kubernetes/cluster.ts";
import { labelsFor, ownedBy } from "../names.ts";
import type { Fields, LiveObject, WantedObject } from "../objects.ts";

const STASH = "stash.appscode.com";
/** What a label may hold; a longer name is left out rather than cut: it would be another invoker's. */
const LABEL_VALUE = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;

export interface BackupSessionChoice {
  readonly name: string;
  /** How often the backup may be tried again. */
  readonly retryLeft: number;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

/** A BackupSession of this invoker, which goes with it. */
export function backupSessionFor(invoker: LiveObject, { name, retryLeft, annotations }: BackupSessionChoice): WantedObject {
  const { kind, metadata } = invoker;
  return {
    apiVersion: `${STASH}/v1beta1`,
    kind: "BackupSession",
    metadata: {
      name,
      namespace: metadata.namespace as string,
      labels: sessionLabels(invoker),
      ...(annotations === undefined ? {} : { annotations }),
      ownerReferences: [ownedBy(invoker)],
    },
    spec: { invoker: { apiGroup: STASH, kind, name: metadata.name }, retryLeft } satisfies BackupSession["spec"],
  };
}

function sessionLabels(invoker: LiveObject): Readonly<Record<string, string>> {
  const { ref = {} } = (invoker.spec?.target ?? {}) as { ref?: Fields };
  const told: readonly (readonly [string, unknown])[] = [
    ["invoker-type", invoker.kind],
    ["invoker-name", invoker.metadata.name],
    ["target-kind", ref.kind],
    ["target-name", ref.name],
    ["target-namespace", ref.namespace],
  ];
  const valid = told.flatMap(([label, value = ""]) => (LABEL_VALUE.test(String(value)) ? [[`${STASH}/${label}`, String(value)]] : []));
  return { ...labelsFor(invoker, "stash-backup"), ...Object.fromEntries(valid) };
}
