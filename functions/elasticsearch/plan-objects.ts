import type { ClusterCatalog } from "./catalog.ts";
import { OBJECT_WRITING } from "./object-writing.ts";
import type { ExistingObject, ExistingTarget, Fault, JsonObject, Note, ObjectKind, ObjectPlan } from "./restore-plan.ts";
import { isObject, isSameJson } from "./same-json.ts";

export interface ObjectChoice {
  readonly policy: "fail" | "skip" | "replace";
  /** With new names for indices, templates would act on others than before. */
  readonly isRenaming: boolean;
  /** Undefined: all. */
  readonly wanted: ReadonlySet<string> | undefined;
  /** Why others than the wanted are left out. */
  readonly because: string;
  /** Data streams are written through, so that their templates are needed before the documents. */
  readonly hasReplay: boolean;
}

export interface PlannedObjects {
  readonly objects: readonly ObjectPlan[];
  readonly notes: readonly Note[];
  readonly faults: readonly Fault[];
}

/** In the order in which they can be written: what names others comes after them. */
const ORDER: readonly ObjectKind[] = [
  "storedScripts",
  "searchPipelines",
  "ilmPolicies",
  "ingestPipelines",
  // Refused once an index template has the same names; the other way round servers warn only.
  "legacyTemplates",
  "componentTemplates",
  "indexTemplates",
  "enrichPolicies",
  "ismPolicies",
];

const TEMPLATES: ReadonlySet<ObjectKind> = new Set(["componentTemplates", "indexTemplates", "legacyTemplates"]);

/** "indexTemplates/logs": how `ObjectChoice.wanted` names one. */
export function objectKey(kind: ObjectKind, name: string): string {
  return `${kind}/${name}`;
}

/** Which objects of the cluster are written, when, and what stands in the way. */
export function planObjects(catalog: ClusterCatalog, existing: ExistingTarget, choice: ObjectChoice): PlannedObjects {
  const objects: ObjectPlan[] = [];
  const notes: Note[] = [];
  const faults: Fault[] = [];
  for (const kind of ORDER) {
    const names = Object.keys(catalog[kind]);
    const chosen = names.filter((name) => choice.wanted?.has(objectKey(kind, name)) ?? true);
    if (chosen.length < names.length) notes.push(leftNote(kind, names.length - chosen.length, choice.because));
    const { label, adapt } = OBJECT_WRITING[kind];
    const there = existing.objects[kind];
    if (chosen.length === 0) continue;
    if (existing.unreadable.has(kind)) {
      faults.push({
        kind: "unrestorable",
        what: counted(chosen.length, label),
        why: "cannot be compared: the user may not read those there",
      });
      continue;
    }
    if (there === undefined) {
      const message = `${counted(chosen.length, label)} not restored (${listed(chosen)}): ${existing.description} has none of this kind`;
      notes.push({ reason: "ObjectsNotRestored", message });
      continue;
    }
    for (const name of chosen) {
      const known = catalog[kind][name] as JsonObject;
      const body = adapt?.(known, existing.server) ?? known;
      const found = there.get(name);
      const object = { kind, name, body, phase: phaseOf(kind, body, choice) };
      if (found === undefined) objects.push({ ...object, action: "create" });
      else if (!isSameJson(adapt?.(found.body, existing.server) ?? found.body, body)) {
        const verdict = judgeExisting(kind, found, choice);
        if (verdict === "replace") objects.push({ ...object, action: "replace" });
        else if ("kept" in verdict) notes.push(keptNote(label, name, verdict.kept));
        else faults.push({ ...verdict, what: `${label} ${name}` });
      }
    }
  }
  // Among the last ones, the policy that a pipeline enriches by comes before the pipeline.
  const rank = ({ kind, phase }: ObjectPlan) => (kind === "ingestPipelines" && phase === "last" ? ORDER.length : ORDER.indexOf(kind));
  return { objects: objects.toSorted((one, other) => rank(one) - rank(other)), notes, faults };
}

/** What becomes of one that differs. */
function judgeExisting(
  kind: ObjectKind,
  { isManaged }: ExistingObject,
  { policy, isRenaming }: ObjectChoice,
): "replace" | { readonly kept: string } | Pick<Fault, "kind" | "why"> {
  if (isManaged) return { kept: "the server manages it" };
  if (isRenaming && TEMPLATES.has(kind)) return { kept: "with --rename no template is replaced" };
  if (policy === "skip") return { kept: "--policy is skip" };
  if (policy === "fail") return { kind: "exists", why: "exists with another content" };
  return kind === "enrichPolicies" ? { kind: "unrestorable", why: "cannot be replaced: delete it first" } : "replace";
}

function phaseOf(kind: ObjectKind, body: JsonObject, { hasReplay }: ObjectChoice): ObjectPlan["phase"] {
  if (TEMPLATES.has(kind)) return hasReplay ? "before-data" : "after-data";
  // Enrich policies need the documents of their indices, and a pipeline that enriches needs its policy.
  if (kind === "enrichPolicies" || (kind === "ingestPipelines" && hasProcessor(body, "enrich"))) return "last";
  // One that matches would act on indices while they are loaded.
  return kind === "ismPolicies" ? "last" : "before-indices";
}

function hasProcessor(value: unknown, name: string): boolean {
  if (Array.isArray(value)) return value.some((item) => hasProcessor(item, name));
  return isObject(value) && (isObject(value[name]) || Object.values(value).some((item) => hasProcessor(item, name)));
}

function leftNote(kind: ObjectKind, count: number, why: string): Note {
  return { reason: "ObjectsNotRestored", message: `${counted(count, OBJECT_WRITING[kind].label)} of the snapshot left out: ${why}` };
}

function keptNote(label: string, name: string, why: string): Note {
  return { reason: "ObjectKept", message: `The ${label} "${name}" of the target differs from the snapshot's and stays as it is: ${why}` };
}

function counted(count: number, label: string): string {
  return count === 1 ? `1 ${label}` : `${count} ${label.replace(/y$/, "ie")}s`;
}

/** A list that a person can read. */
export function listed(names: readonly string[], most = 20): string {
  return names.length > most ? `${names.slice(0, most).join(", ")} and ${names.length - most} others` : names.join(", ");
}
