import type { ExistingTarget, Fault, IndexPlan, JsonObject, ObjectPlan, StreamPlan } from "./restore-plan.ts";
import { isObject } from "./same-json.ts";

export interface TemplateParts {
  readonly indices: readonly IndexPlan[];
  readonly streams: readonly StreamPlan[];
  readonly objects: readonly ObjectPlan[];
  readonly existing: ExistingTarget;
}

type Templates = ReadonlyMap<string, JsonObject>;

/** A template decides whether a name can become a data stream or an index: where the one that would be used says otherwise, nothing begins. */
export function templateFaults({ indices, streams, objects, existing }: TemplateParts): Fault[] {
  const before = new Map([...(existing.objects.indexTemplates ?? [])].map(([name, { body }]) => [name, body]));
  const after = new Map(before);
  for (const { kind, name, body } of objects) if (kind === "indexTemplates") after.set(name, body);
  const withoutTemplate = streams
    .filter(({ action, target }) => action !== "skip" && !makesStreams(templateFor(target, after)?.body))
    .map(({ target }): Fault => {
      const why = "has no index template in the target that would make it: create one for this name first";
      return { kind: "unrestorable", what: `data stream ${target}`, why };
    });
  // The snapshot's own templates come after the indices.
  const forStreams = indices
    .filter(({ action, loadThrough }) => action !== "skip" && loadThrough === "index")
    .flatMap(({ target, entry }): Fault[] => {
      const template = templateFor(target, before, { isHidden: entry.isHidden });
      if (!makesStreams(template?.body)) return [];
      const why = `can only be a data stream there, by the index template "${template?.name}": rename it, or change the template`;
      return [{ kind: "unrestorable", what: `index ${target}`, why }];
    });
  return [...withoutTemplate, ...forStreams];
}

/** The one of the highest priority. */
function templateFor(
  target: string,
  templates: Templates,
  { isHidden = false }: { readonly isHidden?: boolean } = {},
): { readonly name: string; readonly body: JsonObject } | undefined {
  const fitting = [...templates].filter(([, { index_patterns: patterns }]) =>
    [patterns].flat().some((pattern) => fits(target, String(pattern)) && !(isHidden && pattern === "*")),
  );
  const [best] = fitting.sort(([, one], [, other]) => Number(other.priority ?? 0) - Number(one.priority ?? 0));
  return best === undefined ? undefined : { name: best[0], body: best[1] };
}

function makesStreams(template: JsonObject | undefined): boolean {
  return isObject(template?.data_stream);
}

function fits(name: string, pattern: string): boolean {
  return new RegExp(`^${pattern.split("*").map(RegExp.escape).join(".*")}$`, "s").test(name);
}
