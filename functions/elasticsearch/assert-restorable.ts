import type { SearchServer } from "./inspect-server.ts";
import type { RestorePlan } from "./restore-plan.ts";
import type { SearchTransport } from "./transport.ts";

/**
 * Everything that can be known to go wrong before the first write, all faults in one message; nothing is written here.
 * @throws DatabaseRefusedError, DatabaseUnavailableError
 */
export declare function assertRestorable(transport: SearchTransport, server: SearchServer, plan: RestorePlan): Promise<void>;
