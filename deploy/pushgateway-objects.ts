import { NAMESPACE, PUSHGATEWAY } from "./names.ts";
import { containerSecurity, podSecurity } from "./pod-security.ts";

/** As Stash's gateway has it. */
const GATEWAY_PORT = 56789;

export const PUSHGATEWAY_URL = `http://${PUSHGATEWAY}.${NAMESPACE}.svc:${GATEWAY_PORT}`;

const IMAGE_OF_GATEWAY = "prom/pushgateway:v1.11.1";

export function labelsOf(component: string): Readonly<Record<string, string>> {
  return { "app.kubernetes.io/name": "holdfast", "app.kubernetes.io/component": component };
}

/** A Prometheus Pushgateway of our own; a pod apart from the operator's, so that what was pushed outlives a new version of it. */
export function pushgatewayObjects(): readonly object[] {
  const labels = labelsOf("pushgateway");
  const metadata = { name: PUSHGATEWAY, namespace: NAMESPACE, labels };
  return [
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata,
      spec: {
        replicas: 1,
        // Two at once would each have half of what is pushed.
        strategy: { type: "Recreate" },
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: {
            automountServiceAccountToken: false,
            securityContext: podSecurity(),
            containers: [container()],
            volumes: [{ name: "data", emptyDir: { sizeLimit: "64Mi" } }],
          },
        },
      },
    },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata,
      spec: { selector: labels, ports: [{ name: "pushgateway", port: GATEWAY_PORT, targetPort: "pushgateway" }] },
    },
  ];
}

function container(): object {
  const probe = (path: string) => ({ httpGet: { path, port: "pushgateway" }, timeoutSeconds: 5 });
  return {
    name: "pushgateway",
    image: IMAGE_OF_GATEWAY,
    args: [`--web.listen-address=:${GATEWAY_PORT}`, "--persistence.file=/data/metrics", "--persistence.interval=1m"],
    ports: [{ name: "pushgateway", containerPort: GATEWAY_PORT }],
    livenessProbe: probe("/-/healthy"),
    readinessProbe: probe("/-/ready"),
    resources: { requests: { cpu: "10m", memory: "32Mi" }, limits: { memory: "128Mi" } },
    securityContext: containerSecurity(),
    volumeMounts: [{ name: "data", mountPath: "/data" }],
  };
}
