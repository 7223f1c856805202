// Names of what is installed, wherever an object speaks of another one.

/** Where the operator runs. */
export const NAMESPACE = "holdfast";
/** The operator's account, and its roles. */
export const OPERATOR = "holdfast-operator";
