// The operator's account on a real API server, with exactly the roles that we ship, and plain requests in its name.
import { readFile } from "node:fs/promises";
import { request } from "node:https";
import { text } from "node:stream/consumers";
import { NAMESPACE, OPERATOR } from "../../../deploy/names.ts";
import { jobRole, operatorRoles } from "../../../deploy/rbac.ts";
import type { KubernetesObject } from "../../servers/kubernetes/kubernetes-objects.ts";
import type { Kubernetes } from "../../servers/kubernetes/start-kubernetes.ts";

export interface Answer {
  readonly status: number;
  readonly body: { readonly message?: string; readonly [field: string]: unknown };
}

/** One request with an account's token. */
export type Send = (method: string, path: string, body?: object, headers?: Readonly<Record<string, string>>) => Promise<Answer>;

/** Installs the roles but for those that are left out; resolves when they are in force. */
export async function asOperator(
  server: Kubernetes,
  options: { readonly without?: (object: KubernetesObject) => boolean } = {},
): Promise<Send> {
  const { objects } = server;
  const metadata = { name: OPERATOR, namespace: NAMESPACE };
  await objects.apply({ apiVersion: "v1", kind: "Namespace", metadata: { name: NAMESPACE } });
  await objects.apply({ apiVersion: "v1", kind: "ServiceAccount", metadata });
  const roles = [jobRole(), ...operatorRoles()] as readonly object[] as readonly KubernetesObject[];
  for (const role of roles.filter((each) => !(options.without?.(each) ?? false))) await objects.apply(role);
  const send = await sendAs(server, await objects.createToken(metadata));
  for (const path of ["/api/v1/pods", `/apis/coordination.k8s.io/v1/namespaces/${NAMESPACE}/leases/holdfast-operator`]) {
    for (const deadline = Date.now() + 30_000; (await send("GET", path)).status === 403; ) {
      if (Date.now() > deadline) throw new Error(`Not granted in time: ${path}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  return send;
}

export async function sendAs(server: Kubernetes, token: string): Promise<Send> {
  const ca = await readFile(server.caFile);
  return (method, path, body, more = {}) =>
    new Promise((resolve, reject) => {
      const headers = { authorization: `Bearer ${token}`, "content-type": "application/json", ...more };
      const sent = request(`${server.url}${path}`, { method, ca, headers }, (answer) => {
        text(answer).then((answered) => resolve({ status: answer.statusCode ?? 0, body: JSON.parse(answered) as Answer["body"] }), reject);
      });
      sent.once("error", reject).end(body === undefined ? undefined : JSON.stringify(body));
    });
}
