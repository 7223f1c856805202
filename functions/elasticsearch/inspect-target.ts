import type { SearchServer } from "./inspect-server.ts";
import type { ExistingTarget } from "./restore-plan.ts";
import type { SearchTransport } from "./transport.ts";

/** Reads the names of everything that a restore could meet, and the content of templates, pipelines, policies and scripts. Changes nothing. */
export declare function inspectTarget(transport: SearchTransport, server: SearchServer): Promise<ExistingTarget>;
