import { IMAGE, NAMESPACE, OPERATOR } from "./names.ts";
import { containerSecurity, podSecurity } from "./pod-security.ts";
import { labelsOf } from "./pushgateway-objects.ts";

const HTTP_PORT = 8080;
const NAME = "holdfast";

/** The namespace takes no pod that asks for more than Pod Security's level "restricted". */
export function namespaceObject(): object {
  const modes = ["enforce", "audit", "warn"].map((mode) => [`pod-security.kubernetes.io/${mode}`, "restricted"]);
  return { apiVersion: "v1", kind: "Namespace", metadata: { name: NAMESPACE, labels: Object.fromEntries(modes) } };
}

interface OperatorOptions {
  /** Where the operator and all jobs push metrics. */
  readonly pushgatewayUrl: string;
}

/** The operator: its account, what runs it, and where its metrics are read. */
export function operatorObjects({ pushgatewayUrl }: OperatorOptions): readonly object[] {
  const labels = labelsOf("operator");
  return [
    { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: OPERATOR, namespace: NAMESPACE, labels } },
    deployment(labels, pushgatewayUrl),
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: NAME, namespace: NAMESPACE, labels },
      spec: { selector: labels, ports: [{ name: "metrics", port: HTTP_PORT, targetPort: "http" }] },
    },
  ];
}

function deployment(labels: Readonly<Record<string, string>>, pushgatewayUrl: string): object {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: NAME, namespace: NAMESPACE, labels },
    spec: {
      // A second one would wait for the Lease, and take over within seconds.
      replicas: 1,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          serviceAccountName: OPERATOR,
          securityContext: podSecurity(),
          terminationGracePeriodSeconds: 30,
          containers: [container(pushgatewayUrl)],
        },
      },
    },
  };
}

function container(pushgatewayUrl: string): object {
  const field = (name: string, fieldPath: string) => ({ name, valueFrom: { fieldRef: { fieldPath } } });
  return {
    name: "operator",
    image: IMAGE,
    imagePullPolicy: "IfNotPresent",
    args: ["operator"],
    env: [
      // What the pods run that start backups.
      { name: "HOLDFAST_IMAGE", value: IMAGE },
      { name: "PROMETHEUS_PUSHGATEWAY_URL", value: pushgatewayUrl },
      field("POD_NAMESPACE", "metadata.namespace"),
      field("POD_NAME", "metadata.name"),
      // Below the limit: out of memory is then an error that says so, and no kill.
      { name: "NODE_OPTIONS", value: "--max-old-space-size=160" },
    ],
    ports: [{ name: "http", containerPort: HTTP_PORT }],
    startupProbe: { ...probe("/healthz"), periodSeconds: 2, failureThreshold: 60 },
    livenessProbe: { ...probe("/healthz"), periodSeconds: 20, failureThreshold: 3 },
    readinessProbe: { ...probe("/readyz"), periodSeconds: 5 },
    resources: { requests: { cpu: "50m", memory: "128Mi" }, limits: { memory: "256Mi" } },
    securityContext: containerSecurity(),
  };
}

function probe(path: string): object {
  return { httpGet: { path, port: "http" }, timeoutSeconds: 5 };
}
