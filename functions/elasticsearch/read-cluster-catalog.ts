import type { ClusterCatalog } from "./catalog.ts";
import type { NotCarried } from "./choose-indices.ts";
import { OBJECT_KINDS, type ObjectKind, type Objects } from "./cluster-objects.ts";
import { featureOf } from "./feature-names.ts";
import { isAtLeast, type SearchServer } from "./inspect-server.ts";
import type { ListedIndex } from "./list-indices.ts";
import { listUncarried } from "./list-uncarried.ts";
import { listed } from "./plan-objects.ts";
import { readDataStreams } from "./read-data-streams.ts";
import { readIfThere } from "./read-if-there.ts";
import type { SearchRequest, SearchTransport } from "./transport.ts";
import { unexpectedAnswer } from "./unexpected-answer.ts";

export interface ReadCatalog {
  readonly catalog: ClusterCatalog;
  /** What exists and is not carried, by name. */
  readonly notCarried: NotCarried[];
}

/**
 * All objects of the cluster that are no index: templates, pipelines, policies, scripts, whatever indices are chosen, and the data streams of those.
 * @throws HoldfastError when one kind cannot be read: "not allowed" is not "there are none"
 */
export async function readClusterCatalog(
  transport: SearchTransport,
  server: SearchServer,
  { chosen }: { readonly chosen: readonly Pick<ListedIndex, "name" | "dataStream">[] },
): Promise<ReadCatalog> {
  const objects = {} as Record<ObjectKind["kind"], Objects>;
  const notCarried: NotCarried[] = [];
  for (const kind of OBJECT_KINDS) {
    const since = kind.since[server.flavour];
    const isMeant = since !== undefined && isAtLeast(server, server.flavour, since);
    const all = isMeant ? await readAll(transport, kind) : {};
    if (all === undefined && kind.isOptional === undefined)
      notCarried.push({ name: `${kind.name}:*`, reason: `The server, or a proxy before it, does not offer GET ${kind.path}` });
    const own = Object.entries(all ?? {}).filter(([name, object]) => !isManaged(name, object));
    const managed = Object.entries(all ?? {}).flatMap(([name, object]) => (isManaged(name, object) ? [name] : []));
    if (managed.length > 0)
      notCarried.push({ name: `${kind.name}:managed`, reason: `${MANAGED}: ${listed(managed.sort(), MOST_MANAGED)}` });
    objects[kind.kind] = Object.fromEntries(own);
  }
  if (Object.keys(objects.ismPolicies).length > 0) notCarried.push(ISM_ATTACHMENTS);
  const streams = await readDataStreams(transport, server, chosen);
  notCarried.push(...(await listUncarried(transport, server)));
  return { catalog: { ...objects, ...streams }, notCarried };
}

const MOST_MANAGED = 200;
const MANAGED = "Whoever manages them brings them: the server itself, or what marks them as managed in their _meta";

// Kept in an index of the plugin's own, not in the settings of the indices.
const ISM_ATTACHMENTS: NotCarried = {
  name: "index-state-policy:attachments",
  reason: "Policies are carried, but not which indices they are attached to: attach them again after a restore",
};

/** All objects of one kind, the server's own too; undefined where the server has no such objects. @throws HoldfastError when they cannot be read */
export async function readAll(transport: SearchTransport, kind: ObjectKind): Promise<Objects | undefined> {
  const found: Objects = {};
  for (let from = 0; ; from = Object.keys(found).length) {
    const paging: SearchRequest["query"] = kind.page === undefined ? {} : { from, size: kind.page.size };
    const answer = await readIfThere(transport, { method: "GET", path: kind.path, query: { ...kind.query, ...paging } }, kind.right);
    if (answer === undefined && from === 0) return undefined;
    try {
      const objects = kind.read(answer);
      Object.assign(found, objects);
      const total = kind.page?.total(answer) ?? 0;
      if (Object.keys(found).length >= total) return found;
      if (Object.keys(found).length === from) throw new TypeError(`${from} of ${total} came`);
    } catch (error) {
      throw unexpectedAnswer(transport, `GET ${kind.path}`, error);
    }
  }
}

/** Whether the server, Kibana or a plugin puts it there by itself, in the form that fits its version. */
export function isManaged(name: string, object: Readonly<Objects[string]>): boolean {
  const bodies = [object, object.policy, object.mappings];
  return (
    bodies.some((body) => memberOf(memberOf(body, "_meta"), "managed") === true) ||
    (name.startsWith(".") && featureOf(name, false) !== undefined)
  );
}

function memberOf(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
}
