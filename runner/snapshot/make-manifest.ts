import { FORMAT, type Manifest } from "./manifest.ts";

/** What is known before the backup's function is asked. */
export interface ManifestBeginning {
  readonly repository: { readonly id: string };
  readonly head: Pick<Manifest, "engine" | "function" | "target" | "invoker" | "host" | "tags" | "holdfast" | "parameters" | "tls">;
  readonly id: string;
  readonly previous: string | undefined;
  readonly started: Date;
  readonly finished: Date;
}

/** What is known at its end. */
export interface ManifestEnd extends Pick<Manifest, "streams" | "server" | "consistency" | "facts"> {
  readonly notCarried: readonly Manifest["notCarried"][number][];
}

/** The fields in the order in which people read them, and no others. */
export function makeManifest(beginning: ManifestBeginning, end: ManifestEnd): Manifest {
  const { repository, head, id, previous, started, finished } = beginning;
  const { engine, target, invoker, host, tags, holdfast, parameters, tls } = head;
  const { streams, server, consistency, facts, notCarried } = end;
  return {
    format: FORMAT,
    repository: repository.id,
    id,
    ...(previous === undefined ? {} : { previous }),
    engine,
    function: head.function,
    target,
    ...(invoker === undefined ? {} : { invoker }),
    host,
    tags,
    started: started.toISOString(),
    finished: finished.toISOString(),
    holdfast,
    server,
    consistency,
    parameters,
    tls,
    streams,
    facts,
    notCarried: [...notCarried],
  };
}
