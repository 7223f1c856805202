/** Whose run it was, and where its backups lie: what all series of a session have in common. */
export interface SessionIdentity {
  /** BackupConfiguration, BackupBatch or RestoreSession. */
  readonly invoker: { readonly kind: string; readonly namespace: string; readonly name: string };
  /** "Restic": the name that the objects have for backups of this kind. */
  readonly driver: string;
  readonly repository: { readonly namespace: string; readonly name: string };
  /** Labels that the user asked for in addition; a label of the series itself wins. */
  readonly extraLabels?: Readonly<Record<string, string>> | undefined;
}

export interface TargetIdentity {
  readonly namespace: string;
  readonly name: string;
  /** The AppBinding's `spec.type`, empty when it has none; undefined when there is no AppBinding. */
  readonly type: string | undefined;
}

/** What our own series of one run are labelled with, in addition. */
export interface RunIdentity extends SessionIdentity {
  readonly target: TargetIdentity;
  /** Host name that the snapshots carry. */
  readonly host: string;
  readonly engine: string;
  /** Of this program. */
  readonly version: string;
}

export interface StoreIdentity {
  /** "s3", "local" … */
  readonly backend: string;
  readonly bucket: string;
  readonly prefix: string;
}

type Labels = Record<string, string>;

export function invokerLabels({ invoker, driver, repository, extraLabels }: SessionIdentity): Labels {
  return {
    ...extraLabels,
    invoker_kind: invoker.kind,
    invoker_name: invoker.name,
    namespace: invoker.namespace,
    driver,
    repository: repository.name,
  };
}

export function targetLabels(identity: SessionIdentity & { readonly target: TargetIdentity }): Labels {
  const { name, type } = identity.target;
  const labels = { ...invokerLabels(identity), name };
  if (type === undefined) return labels;
  const slash = type.lastIndexOf("/");
  return { ...labels, group: type.slice(0, Math.max(slash, 0)), kind: type.slice(slash + 1) || "appbindings" };
}

export function hostLabels(identity: RunIdentity): Labels {
  return { ...targetLabels(identity), hostname: identity.host };
}

/** The Repository's namespace takes the place of the invoker's. */
export function storeLabels(identity: SessionIdentity & { readonly store: StoreIdentity }): Labels {
  const { repository, store } = identity;
  const { namespace, name } = repository;
  const labels = { ...invokerLabels(identity), namespace, name, backend: store.backend, bucket: store.bucket };
  return store.prefix === "" ? labels : { ...labels, prefix: store.prefix };
}

export function runLabels({ invoker, target, repository, engine, host, extraLabels }: RunIdentity): Labels {
  return {
    ...extraLabels,
    namespace: invoker.namespace,
    invoker_kind: invoker.kind,
    invoker_name: invoker.name,
    target: target.name,
    repository: repository.name,
    engine,
    host,
  };
}

export function repositoryLabels({ repository, store, extraLabels }: SessionIdentity & { readonly store: StoreIdentity }): Labels {
  return { ...extraLabels, namespace: repository.namespace, repository: repository.name, backend: store.backend };
}
