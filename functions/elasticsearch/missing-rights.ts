import * as z from "zod";
import { readAnswer } from "./read-answer.ts";
import type { SearchTransport } from "./transport.ts";

/** Privileges by the names that Elasticsearch gives them; index privileges are for every index. */
export interface Rights {
  readonly cluster: readonly string[];
  readonly index: readonly string[];
}

/** What a backup of all indices cannot do without; README.md has them as a role. */
export const BACKUP_RIGHTS: Rights = {
  // "cluster:admin/…": privileges of that name are not known to every version.
  cluster: ["monitor", "cluster:admin/ingest/pipeline/get"],
  index: ["read", "view_index_metadata", "monitor", "maintenance"],
};

/** What a restore of indices and of what stands around them cannot do without. */
export const RESTORE_RIGHTS: Rights = {
  cluster: ["monitor", "manage_index_templates", "manage_ingest_pipelines", "cluster:admin/script/put"],
  index: ["create_index", "write", "read", "view_index_metadata", "monitor", "maintenance", "manage"],
};

const answerSchema = z.object({
  username: z.string(),
  cluster: z.record(z.string(), z.boolean()),
  index: z.record(z.string(), z.record(z.string(), z.boolean())),
});

/** As servers say it that have no such API, or none for this kind of credentials. */
const ABSENT = [400, 403, 404, 405, 410, 500];

/** Which of the rights the user lacks; undefined when the server cannot tell, which is so without security and for OpenSearch. Changes nothing. */
export async function findMissingRights(
  transport: SearchTransport,
  wanted: Rights,
): Promise<{ readonly username: string; readonly missing: Rights } | undefined> {
  const path = "/_security/user/_has_privileges";
  const body = { cluster: wanted.cluster, index: [{ names: ["*"], privileges: wanted.index }] };
  const answer = await transport.json({ method: "POST", path, body, statuses: ABSENT });
  if (answer.status !== 200) return undefined;
  const { username, cluster, index } = readAnswer(answerSchema, answer, { transport, request: `POST ${path}` });
  const missing = {
    cluster: wanted.cluster.filter((right) => cluster[right] !== true),
    index: wanted.index.filter((right) => index["*"]?.[right] !== true),
  };
  return { username, missing };
}

/** "the cluster privileges a, b and, on all indices, c"; undefined when nothing is missing. */
export function describeMissing({ cluster, index }: Rights): string | undefined {
  const parts = [
    ...(cluster.length === 0 ? [] : [`the cluster privileges ${cluster.join(", ")}`]),
    ...(index.length === 0 ? [] : [`on all indices the privileges ${index.join(", ")}`]),
  ];
  return parts.length === 0 ? undefined : parts.join(" and ");
}
