import { randomUUID } from "node:crypto";
import pLimit from "p-limit";
import { DatabaseRefusedError } from "../../runner/errors.ts";
import { OBJECT_KINDS } from "./cluster-objects.ts";
import type { SearchServer } from "./inspect-server.ts";
import { OBJECT_WRITING } from "./object-writing.ts";
import { listed } from "./plan-objects.ts";
import { refusalText } from "./refusal-text.ts";
import type { Fault, JsonObject, ObjectPlan, RestorePlan } from "./restore-plan.ts";
import { isObject } from "./same-json.ts";
import { type Creation, settleCreation } from "./settle-creation.ts";
import { pathOf, type SearchAnswer, type SearchTransport } from "./transport.ts";

const AT_ONCE = 4;
/** Above that of any template of the target. */
const PRIORITY = 2_000_000_000;

/**
 * Everything that can be known to go wrong before the first write, all faults in one message; nothing is written here.
 * @throws DatabaseRefusedError, DatabaseUnavailableError
 */
export async function assertRestorable(transport: SearchTransport, _: SearchServer, plan: RestorePlan): Promise<void> {
  const faults = [...plan.faults, ...(await missingKinds(transport, plan)), ...(await refusedBodies(transport, plan))];
  if (faults.length === 0) return;
  const existing = faults.filter(({ kind }) => kind === "exists");
  const others = faults.filter(({ kind }) => kind === "unrestorable");
  const says = [
    ...(existing.length === 0 ? [] : [`these exist: ${listed(existing.map(tellExisting), 50)}`]),
    ...others.map(({ what, why }) => `${what} ${why}`),
  ];
  throw new DatabaseRefusedError(`Cannot restore into ${transport.description}: ${says.join("; ")}`, {
    reason: existing.length > 0 ? "TargetNotEmpty" : "NotRestorable",
    facts: { existing: existing.map(({ what }) => what), unrestorable: others.map(({ what }) => what) },
    ...(existing.length === 0
      ? {}
      : { hint: "--policy skip leaves what exists, --policy replace deletes it and writes it anew, --rename restores beside it" }),
  });
}

function tellExisting({ what, why }: Fault): string {
  return why === "exists" ? what : `${what} (${why})`;
}

/** A kind that the target does not have would be refused late, after the documents. */
async function missingKinds(transport: SearchTransport, { objects }: RestorePlan): Promise<Fault[]> {
  const faults: Fault[] = [];
  for (const { kind, path } of OBJECT_KINDS) {
    const wanted = objects.filter((object) => object.kind === kind);
    if (wanted.length === 0) continue;
    const { status } = await transport.json({ method: "GET", path, statuses: [400, 404, 405] });
    // 404: there are none.
    if (status !== 400 && status !== 405) continue;
    const { label } = OBJECT_WRITING[kind];
    faults.push({
      kind: "unrestorable",
      what: `${label} ${listed(wanted.map(({ name }) => name))}`,
      why: "is nothing that the target knows; --indices-only restores without",
    });
  }
  return faults;
}

interface Candidate {
  readonly what: string;
  /** The path's end: a template that exists is compared with others as if this one were in its place. */
  readonly name?: string;
  /** What an index template says beside settings and mappings. */
  readonly template: JsonObject;
  readonly creation: Creation;
}

/** Shows settings and mappings to the target as those of a template that it does not keep: it judges them as it would those of an index. */
async function refusedBodies(transport: SearchTransport, plan: RestorePlan): Promise<Fault[]> {
  const ofIndices = plan.indices
    .filter(({ action, loadThrough }) => action !== "skip" && loadThrough === "index")
    .map(({ target, creation }): Candidate => ({ what: `index ${target}`, template: alone(), creation }));
  const atOnce = pLimit(AT_ONCE);
  const judge = async ({ what, name, template, creation }: Candidate): Promise<Fault | undefined> => {
    const settled = await settleCreation(creation, (current) => simulate(transport, { ...template, template: { ...current } }, name));
    return "refusal" in settled ? { kind: "unrestorable", what, why: `would be refused: ${settled.refusal}` } : undefined;
  };
  const judged = await Promise.all([...ofIndices, ...plan.objects.flatMap(candidateOf)].map((candidate) => atOnce(judge, candidate)));
  return judged.filter((fault) => fault !== undefined);
}

function candidateOf({ kind, name, body }: ObjectPlan): Candidate[] {
  const what = `${OBJECT_WRITING[kind].label} ${name}`;
  const content = (template: unknown): Creation => ({
    settings: isObject(template) && isObject(template.settings) ? template.settings : {},
    mappings: isObject(template) && isObject(template.mappings) ? template.mappings : {},
  });
  if (kind === "indexTemplates") {
    // Its component templates are not there yet.
    const { template, composed_of: _, ...rest } = body;
    return [{ what, name, template: rest, creation: content(template) }];
  }
  if (kind === "componentTemplates") return [{ what, template: alone(), creation: content(body.template) }];
  return kind === "legacyTemplates" ? [{ what, template: alone(), creation: content(body) }] : [];
}

function alone(): JsonObject {
  return { index_patterns: [`check-${randomUUID()}`], priority: PRIORITY };
}

async function simulate(transport: SearchTransport, body: JsonObject, name?: string): Promise<SearchAnswer> {
  const path = pathOf("_index_template", "_simulate", ...(name === undefined ? [] : [name]));
  const answer = await transport.json({ method: "POST", path, body, statuses: [400, 403, 404, 405] });
  // Servers before 7.9, and users who may create indices but no templates: creating the index will tell.
  const isThere = answer.status === 200 || (answer.status === 400 && !refusalText(answer.json).startsWith("no handler found"));
  return isThere ? answer : { status: 200, json: undefined };
}
