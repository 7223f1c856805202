import { ParameterError } from "../errors.ts";
import type { ObjectName } from "../kubernetes/cluster.ts";
import { type BackendFields, type BackendLocation, findLocation, openBackend } from "../kubernetes/repository-backend.ts";
import { type DatabasePlace, databaseFromAppBinding, type PlaceSources, placeOfBackend, type RepositoryPlace } from "../places.ts";
import type { StashPlaceParameters, StashStoreParameters } from "./stash-parameters.ts";

/** Where Stash's flags say that backups lie; no Repository object is looked at. @throws ParameterError naming flag or Secret */
export async function findStashRepository(parameters: StashStoreParameters, sources: PlaceSources): Promise<RepositoryPlace> {
  const location = locate(parameters);
  const { storageSecretNamespace: namespace, storageSecretName: name } = parameters;
  const cluster = await sources.cluster();
  const backend = await openBackend(cluster, { location, storageSecret: { namespace, name } }, { signal: sources.signal });
  return placeOfBackend(backend, sources);
}

/** The AppBinding, and with it the Secrets of its own namespace. @throws ParameterError naming what is missing or wrong */
export async function findStashDatabase(parameters: StashPlaceParameters, sources: PlaceSources): Promise<DatabasePlace> {
  return databaseFromAppBinding(appBindingName(parameters), sources);
}

export interface AppBindingFlags {
  readonly namespace: string;
  readonly appbinding: string;
  readonly appbindingNamespace?: string | undefined;
}

export function appBindingName({ appbinding, appbindingNamespace, namespace }: AppBindingFlags): ObjectName {
  return { namespace: appbindingNamespace ?? namespace, name: appbinding };
}

const FIELDS: BackendFields = {
  backend: "--provider",
  mountPath: "--bucket",
  bucket: "--bucket",
  prefix: "--path",
  endpoint: "--endpoint",
};

function locate({ provider, bucket = "", endpoint, region, path, insecureTls }: StashStoreParameters): BackendLocation {
  const words = { label: `Cannot use the store of provider "${provider}"`, fields: FIELDS };
  if (provider === "local") return findLocation({ local: { mountPath: bucket } }, words);
  if (provider === "s3") return findLocation({ s3: { bucket, endpoint, region, prefix: path, insecureTLS: insecureTls } }, words);
  throw new ParameterError(`--provider is "${provider}": stores of this kind are not supported yet`, {
    hint: "Use a Repository with the backend s3 (which many other services speak) or local",
  });
}
