import type { ClusterOptions, ObjectName } from "../../../runner/kubernetes/cluster.ts";
import { resolveDatabase } from "../../../runner/kubernetes/database-connection.ts";
import { openFileCluster } from "../../../runner/kubernetes/file-cluster.ts";
import { secretsOfAppBinding, secretsOfRepository, selectsNamespaces } from "../../../runner/kubernetes/named-secrets.ts";
import { resolveBackend } from "../../../runner/kubernetes/repository-backend.ts";
import { fixtures } from "./temporary-manifests.ts";

/** The fixtures, and the names of all Secrets and Namespaces that were read. */
async function openRecording() {
  const files = await openFileCluster(fixtures);
  const read: string[] = [];
  const cluster = new Proxy(files, {
    get(target, name: keyof typeof files) {
      if (name === "secret") {
        return (secret: ObjectName, options?: ClusterOptions) => {
          read.push(secret.name);
          return target.secret(secret, options);
        };
      }
      if (name === "namespaceLabels") {
        return (namespace: string, options?: ClusterOptions) => {
          read.push(namespace);
          return target.namespaceLabels(namespace, options);
        };
      }
      return target[name]?.bind(target as never);
    },
  });
  return { cluster, read };
}

test.each(["orders", "ledger", "sessions"])("the Secrets named for AppBinding %s are those that a run reads", async (name) => {
  const { cluster, read } = await openRecording();
  const appBinding = await cluster.appBinding({ namespace: "shop", name });

  await resolveDatabase(cluster, appBinding);

  expect(read.length).toBeGreaterThan(0);
  expect([...secretsOfAppBinding(appBinding)].sort()).toEqual([...new Set(read)].sort());
});

test.each([
  ["its own", "shop", ["cellar-key"]],
  ["another", "warehouse", ["warehouse", "cellar-key"]],
])("from %s namespace a run reads what is named for the Repository", async (_, fromNamespace, expected) => {
  const { cluster, read } = await openRecording();
  const repository = await cluster.repository({ namespace: "shop", name: "cellar" });

  await resolveBackend(cluster, repository, { fromNamespace });

  expect(read).toEqual(expected);
  expect(secretsOfRepository(repository)).toEqual(["cellar-key"]);
  expect(selectsNamespaces(repository)).toBe(true);
});

test("a Repository without a policy asks for no labels", async () => {
  const { cluster } = await openRecording();
  const repository = await cluster.repository({ namespace: "shop", name: "attic" });

  expect(selectsNamespaces(repository)).toBe(false);
});
