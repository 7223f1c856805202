import type { CheckContext, DatabaseConnection } from "../../../runner/function.ts";
import { resolveDatabase } from "../../../runner/kubernetes/database-connection.ts";
import { makeManifests } from "../../unit/kubernetes/temporary-manifests.ts";

export interface Outcome {
  /** The sentence, or the error. */
  readonly outcome: unknown;
  /** Reasons of what was warned of. */
  readonly warned: readonly string[];
}

/** What a check says of the database. */
export async function look(check: (context: CheckContext) => Promise<string>, database: DatabaseConnection): Promise<Outcome> {
  const warned: string[] = [];
  const ignore = () => undefined;
  const outcome = await check({
    database,
    signal: new AbortController().signal,
    log: { debug: ignore, info: ignore, warn: ignore, error: ignore },
    warn: (reason) => void warned.push(reason),
  }).catch((error: unknown) => error);
  return { outcome, warned };
}

export interface AppBindingParts {
  readonly clientConfig: object;
  readonly secret?: { readonly name: string };
  readonly tlsSecret?: { readonly name: string };
  readonly parameters?: object;
}

type Secrets = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** The connection that the runner makes of an AppBinding with this spec, beside Secrets with these values. */
export async function connectionOf(spec: AppBindingParts, secrets: Secrets = {}): Promise<DatabaseConnection> {
  const metadata = { name: "db", namespace: "shop" };
  const objects = [
    { apiVersion: "appcatalog.appscode.com/v1alpha1", kind: "AppBinding", metadata, spec },
    ...Object.entries(secrets).map(([name, data]) => ({
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name, namespace: "shop" },
      data: Object.fromEntries(Object.entries(data).map(([key, value]) => [key, base64(value)])),
    })),
  ];
  await using files = await makeManifests({ "objects.yaml": objects.map((object) => JSON.stringify(object)).join("\n---\n") });
  const cluster = await files.open();
  return await resolveDatabase(cluster, await cluster.appBinding(metadata));
}

export function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}
