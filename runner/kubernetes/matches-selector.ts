import type { z } from "zod";
import type { labelSelectorSchema } from "./backend-objects.ts";

export type LabelSelector = z.infer<typeof labelSelectorSchema>;

/** Whether the labels fit the selector, by Kubernetes' rules: an empty selector fits everything, and all of its terms must hold. */
export function matchesSelector(selector: LabelSelector, labels: Readonly<Record<string, string>>): boolean {
  const labelOf = (key: string) => (Object.hasOwn(labels, key) ? labels[key] : undefined);
  const hasLabels = Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labelOf(key) === value);
  const expressions = selector.matchExpressions ?? [];
  return hasLabels && expressions.every((expression) => matchesExpression(expression, labelOf(expression.key)));
}

function matchesExpression(
  { operator, values = [] }: NonNullable<LabelSelector["matchExpressions"]>[number],
  value: string | undefined,
): boolean {
  switch (operator) {
    case "In":
      return value !== undefined && values.includes(value);
    case "NotIn":
      return value === undefined || !values.includes(value);
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
  }
}
