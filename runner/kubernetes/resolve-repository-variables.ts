import { ParameterError } from "../errors.ts";
import type { Repository } from "./cluster.ts";

type Entry = readonly [name: string, value: string];

/** What a template may know of a Repository: where it lies and which Secret opens it, never what is in the Secret. @throws ParameterError */
export function repositoryVariables(repository: Repository): readonly Entry[] {
  const { namespace, name } = repository.metadata;
  const { backend } = repository.spec;
  const secret: readonly Entry[] =
    backend.storageSecretName === undefined
      ? []
      : [
          ["REPOSITORY_SECRET_NAME", backend.storageSecretName],
          ["REPOSITORY_SECRET_NAMESPACE", namespace],
        ];
  return [
    ["REPOSITORY_NAME", name],
    ["REPOSITORY_NAMESPACE", namespace],
    ...placeVariables(repository),
    ["REPOSITORY_INSECURE_TLS", String(backend.s3?.insecureTLS === true)],
    ...secret,
    ["MAX_CONNECTIONS", String(maxConnections(repository) ?? 0)],
  ];
}

/** When several backends are set, the first of this order counts. */
function placeVariables(repository: Repository): readonly Entry[] {
  const { local, s3, gcs, azure, swift, b2, rest } = repository.spec.backend;
  if (local !== undefined) return place("local", local.mountPath, "");
  if (s3 !== undefined) {
    return [...place("s3", s3.bucket, s3.prefix), ["REPOSITORY_ENDPOINT", s3.endpoint ?? ""], ["REPOSITORY_REGION", s3.region ?? ""]];
  }
  if (gcs !== undefined) return place("gcs", gcs.bucket, gcs.prefix);
  if (azure !== undefined) return place("azure", azure.container, azure.prefix);
  if (swift !== undefined) return place("swift", swift.container, swift.prefix);
  if (b2 !== undefined) return place("b2", b2.bucket, b2.prefix);
  return restVariables(repository, rest?.url);
}

function place(provider: string, bucket: string, prefix = ""): readonly Entry[] {
  return [
    ["REPOSITORY_PROVIDER", provider],
    ["REPOSITORY_BUCKET", bucket],
    ["REPOSITORY_PREFIX", prefix],
  ];
}

function restVariables(repository: Repository, text: string | undefined): readonly Entry[] {
  const origin = `Repository "${repository.metadata.namespace}/${repository.metadata.name}"`;
  if (text === undefined) throw new ParameterError(`${origin}: spec.backend names no place for backups`);
  const url = URL.parse(text);
  if (url === null || url.host === "") throw new ParameterError(`${origin}: spec.backend.rest.url is not a URL`);
  // It would stand in the arguments of a container, for everybody who may see the Job.
  if (url.username !== "" || url.password !== "") {
    throw new ParameterError(`${origin}: spec.backend.rest.url holds a user or a password`, { hint: "Put them into the storage Secret" });
  }
  return [...place("rest", url.host, url.pathname), ["REPOSITORY_ENDPOINT", text]];
}

function maxConnections({ spec: { backend } }: Repository): number | undefined {
  if (backend.local !== undefined || backend.s3 !== undefined) return undefined;
  if (backend.gcs !== undefined) return backend.gcs.maxConnections;
  if (backend.azure !== undefined) return backend.azure.maxConnections;
  return backend.swift === undefined ? backend.b2?.maxConnections : undefined;
}
