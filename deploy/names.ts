// Names of what is installed, wherever an object speaks of another one.

/** Where the operator runs. */
export const NAMESPACE = "holdfast";
/** The operator's account, and its roles. */
export const OPERATOR = "holdfast-operator";
export const PUSHGATEWAY = "holdfast-pushgateway";

/** No image's name on purpose: where it was not replaced, nothing runs. */
export const IMAGE = "IMAGE-OF-HOLDFAST";
