// The objects that a user of Stash writes, as its guides show them.
import type { KubernetesObject } from "../../servers/kubernetes/kubernetes-objects.ts";
import { STASH } from "./operator-scene.ts";

const BETA = `${STASH}/v1beta1`;

export interface Invocation {
  readonly namespace: string;
  readonly name: string;
  readonly appBinding: string;
  readonly repository: string;
  readonly task: string;
  /** Further fields of the spec. */
  readonly spec?: Readonly<Record<string, unknown>>;
}

export interface Binding {
  readonly namespace: string;
  readonly name: string;
  readonly type: string;
  readonly url: string;
  /** The Secret with the credentials. */
  readonly secret?: string;
}

export function appBinding({ namespace, name, type, url, secret }: Binding): KubernetesObject {
  const credentials = secret === undefined ? {} : { secret: { name: secret } };
  const spec = { type, clientConfig: { url }, ...credentials };
  return { apiVersion: "appcatalog.appscode.com/v1alpha1", kind: "AppBinding", metadata: { namespace, name }, spec };
}

export function secret(namespace: string, name: string, stringData: Readonly<Record<string, string>>): KubernetesObject {
  return { apiVersion: "v1", kind: "Secret", metadata: { namespace, name }, stringData };
}

export function backupConfiguration(invocation: Invocation & { readonly schedule: string }): KubernetesObject {
  const retentionPolicy = { name: "keep-last-5", keepLast: 5, prune: true };
  return invoker("BackupConfiguration", invocation, { schedule: invocation.schedule, retentionPolicy });
}

export function restoreSession(invocation: Invocation): KubernetesObject {
  return invoker("RestoreSession", invocation, { rules: [{ snapshots: ["latest"] }] });
}

/** A backup now, whatever the schedule says. */
export function backupSession(namespace: string, name: string, configuration: string): KubernetesObject {
  const spec = { invoker: { apiGroup: STASH, kind: "BackupConfiguration", name: configuration } };
  return { apiVersion: BETA, kind: "BackupSession", metadata: { namespace, name }, spec };
}

function invoker(kind: string, { namespace, name, ...named }: Invocation, more: Readonly<Record<string, unknown>>): KubernetesObject {
  const ref = { apiVersion: "appcatalog.appscode.com/v1alpha1", kind: "AppBinding", name: named.appBinding };
  const spec = { task: { name: named.task }, repository: { name: named.repository }, target: { ref }, ...more, ...named.spec };
  return { apiVersion: BETA, kind, metadata: { namespace, name }, spec };
}
