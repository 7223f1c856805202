import { catalogObjects } from "./catalog.ts";
import { namespaceObject, operatorObjects } from "./operator-objects.ts";
import { admissionPolicies } from "./policies.ts";
import { PUSHGATEWAY_URL, pushgatewayObjects } from "./pushgateway-objects.ts";
import { jobRole, operatorRoles } from "./rbac.ts";

export interface BundleOptions {
  /** A gateway that is there already; one comes with the bundle when absent. */
  readonly pushgatewayUrl?: string | undefined;
}

/** Everything that a cluster is given but the CustomResourceDefinitions, which have to be there first; in the order in which it can be made. */
export function bundleObjects({ pushgatewayUrl }: BundleOptions = {}): readonly object[] {
  return [
    namespaceObject(),
    ...operatorRoles(),
    jobRole(),
    ...admissionPolicies(),
    ...catalogObjects(),
    ...(pushgatewayUrl === undefined ? pushgatewayObjects() : []),
    ...operatorObjects({ pushgatewayUrl: pushgatewayUrl ?? PUSHGATEWAY_URL }),
  ];
}
