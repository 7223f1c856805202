import { isAtLeast } from "./inspect-server.ts";
import { listed } from "./plan-objects.ts";
import type { ExistingTarget, IndexPlan, Note, ObjectKind, ObjectPlan } from "./restore-plan.ts";

type PipelineKind = Extract<ObjectKind, "ingestPipelines" | "searchPipelines">;

const KINDS: Readonly<Record<PipelineKind, { readonly settings: readonly string[]; tell(name: string, indices: string): string }>> = {
  ingestPipelines: {
    settings: ["index.default_pipeline", "index.final_pipeline"],
    tell: (name, indices) => `The ingest pipeline "${name}" is not in the target: nothing can be written into ${indices} before it is`,
  },
  searchPipelines: {
    settings: ["index.search.default_pipeline"],
    tell: (name, indices) => `The search pipeline "${name}" is not in the target: no search of ${indices} succeeds before it is`,
  },
};

/** Pipelines that the indices' settings name, and that neither the target nor the restore has: the target takes such a setting, and it is found out later. */
export function missingPipelines(indices: readonly IndexPlan[], objects: readonly ObjectPlan[], existing: ExistingTarget): Note[] {
  const kinds: PipelineKind[] = isAtLeast(existing.server, "opensearch", "2.8")
    ? ["ingestPipelines", "searchPipelines"]
    : ["ingestPipelines"];
  return kinds.flatMap((kind) => {
    const there = new Set(objects.filter((object) => object.kind === kind).map(({ name }) => name));
    for (const name of existing.objects[kind]?.keys() ?? []) there.add(name);
    const missing = new Map<string, string[]>();
    for (const { held, target, action, loadThrough } of indices) {
      if (action === "skip" || loadThrough === "stream") continue;
      for (const setting of KINDS[kind].settings) {
        const name = held[setting];
        if (typeof name === "string" && name !== "_none" && !there.has(name)) missing.set(name, [...(missing.get(name) ?? []), target]);
      }
    }
    return [...missing].map(([name, names]) => ({ reason: "PipelineMissing", message: KINDS[kind].tell(name, listed(names, 5)) }));
  });
}
