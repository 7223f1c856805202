import { catalogObjects } from "./catalog.ts";
import { namespaceObject, operatorObjects } from "./operator-objects.ts";
import { admissionPolicies } from "./policies.ts";
import { pushgatewayObjects } from "./pushgateway-objects.ts";
import { jobRole, operatorRoles } from "./rbac.ts";

/** Everything that a cluster is given but the CustomResourceDefinitions, which have to be there first; in the order in which it can be made. */
export function bundleObjects(): readonly object[] {
  return [
    namespaceObject(),
    ...operatorRoles(),
    jobRole(),
    ...admissionPolicies(),
    ...catalogObjects(),
    ...pushgatewayObjects(),
    ...operatorObjects(),
  ];
}
