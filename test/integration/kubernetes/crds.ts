import { join } from "node:path";

/** The folder of the definitions that we ship. */
export const CRDS = join(import.meta.dirname, "../../../deploy/crds");
