// A scene: everything on one server that bears its prefix, a store of its own, and the program run against both.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { askServer, askServerOk, type SearchServer } from "../../servers/search-server.ts";
import { uniqueName } from "../../servers/search-server-pool.ts";
import { type HoldfastOptions, type Outcome, runHoldfast } from "../holdfast-process.ts";

export type Ask = (request: string, body?: object | string) => Promise<unknown>;

/** Disposing of it removes all of that. */
export interface SearchScene extends AsyncDisposable {
  readonly server: SearchServer;
  /** What every name begins with: the server is others' too. */
  readonly prefix: string;
  readonly folder: string;
  readonly store: string;
  /** The answer, parsed; rejects when it is no success. */
  readonly ask: Ask;
  /** Of everything that bears the prefix, unless the words say --match. */
  backup(args?: readonly string[], options?: HoldfastOptions): Promise<Outcome>;
  restore(args?: readonly string[], options?: HoldfastOptions): Promise<Outcome>;
  restoreInto(target: SearchServer, args?: readonly string[]): Promise<Outcome>;
  /** A command on the store. */
  run(command: string, args?: readonly string[], env?: HoldfastOptions["env"]): Promise<Outcome>;
  /** Deletes everything that bears the prefix. */
  destroy(): Promise<void>;
}

export async function openScene(server: SearchServer, name: string): Promise<SearchScene> {
  const prefix = uniqueName(name);
  const folder = await mkdtemp(join(tmpdir(), "holdfast-e2e-"));
  const store = join(folder, "store");
  const at = ["--url", server.url, "--store", store];
  return {
    server,
    prefix,
    folder,
    store,
    ask: askOf(server),
    backup: (args = [], options = {}) =>
      runHoldfast(["es-backup", ...at, ...(args.includes("--match") ? [] : ["--match", `${prefix}*`]), ...args], options),
    restore: (args = [], options = {}) => runHoldfast(["es-restore", ...at, ...args], options),
    restoreInto: (target, args = []) => runHoldfast(["es-restore", "--url", target.url, "--store", store, ...args]),
    run: (command, args = [], env = {}) => runHoldfast([command, "--store", store, ...args], { env }),
    destroy: () => destroyAll(server, prefix),
    async [Symbol.asyncDispose]() {
      await destroyAll(server, prefix);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export function askOf(server: SearchServer): Ask {
  return async (request, body) => {
    const answer = await askServerOk(server, request, typeof body === "object" ? JSON.stringify(body) : body);
    return answer.length === 0 ? undefined : (JSON.parse(answer.toString()) as unknown);
  };
}

/** Kinds of objects beside indices, by the path of their API; not every server has each. */
export const OBJECT_PATHS = ["_index_template", "_component_template", "_template", "_ingest/pipeline"];

/** Deletes every data stream, index, template, pipeline and script whose name has the text in it, also where it was renamed. */
export async function destroyAll(server: SearchServer, text: string): Promise<void> {
  const ask = askOf(server);
  const { metadata } = (await ask("GET /_cluster/state/metadata")) as ClusterState;
  const named = (of: object | undefined) => Object.keys(of ?? {}).filter((name) => name.includes(text));
  for (const stream of named(metadata.data_stream?.data_stream)) await ask(`DELETE /_data_stream/${encodeURIComponent(stream)}`);
  // Streams took theirs with them, and what indices name cannot go before them.
  const after = (await ask("GET /_cluster/state/metadata")) as ClusterState;
  for (const index of named(after.metadata.indices)) await ask(`DELETE /${encodeURIComponent(index)}`);
  for (const path of OBJECT_PATHS)
    for (const name of Object.keys(await readObjects(server, { path, text }))) await ask(`DELETE /${path}/${encodeURIComponent(name)}`);
  for (const name of named(metadata.stored_scripts)) await ask(`DELETE /_scripts/${encodeURIComponent(name)}`);
}

interface ClusterState {
  readonly metadata: {
    readonly indices: Readonly<Record<string, object>>;
    readonly stored_scripts?: object;
    readonly data_stream?: { readonly data_stream: object };
  };
}

/** Templates or pipelines whose name has the text in it, without the dates that a server notes; none where it does not know the kind. */
export async function readObjects(server: SearchServer, { path, text }: { path: string; text: string }): Promise<Record<string, unknown>> {
  const { status, body } = await askServer(server, `GET /${path}`);
  if (status === 404) return {};
  if (status !== 200) throw new Error(`GET /${path} was answered with ${status}: ${body}`);
  const answer = JSON.parse(body.toString(), (key, value: unknown) =>
    /^(created|modified)_date(_millis)?$/.test(key) ? undefined : value,
  ) as Record<string, unknown>;
  const [list] = Object.values(answer);
  const objects = Array.isArray(list) ? list.map((object: { name: string }) => [object.name, object] as const) : Object.entries(answer);
  return Object.fromEntries(objects.filter(([name]) => name.includes(text)));
}
