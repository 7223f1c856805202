import { stringify } from "yaml";

/**
 * Objects as text for `kubectl apply`: YAML documents, or one JSON document (a List when there are several). Texts that YAML 1.1 would take
 * for something else ("yes", "1:30") are quoted, since Kubernetes' clients read that version.
 */
export function printObjects(objects: readonly object[], { json }: { readonly json: boolean }): string {
  if (json) {
    const document = objects.length === 1 ? objects[0] : { apiVersion: "v1", kind: "List", items: objects };
    return `${JSON.stringify(document, undefined, 2)}\n`;
  }
  return objects.map((object) => stringify(object, { version: "1.1", lineWidth: 0, aliasDuplicateObjects: false })).join("---\n");
}
