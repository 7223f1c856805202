import type { PreparedTarget } from "./prepare-target.ts";
import type { RestorePlan } from "./restore-plan.ts";
import type { SearchTransport } from "./transport.ts";

/**
 * Refreshes the restored indices and compares their number of documents with the snapshot's. Resolves with the sum.
 * @throws IncompleteError with all differences
 */
export declare function countDocuments(transport: SearchTransport, plan: RestorePlan, prepared: PreparedTarget): Promise<number>;
