import type { Log } from "../../runner/function.ts";
import { askAgain } from "./ask-again.ts";
import { OBJECT_WRITING } from "./object-writing.ts";
import type { ObjectPlan } from "./restore-plan.ts";
import { pathOf, type SearchTransport } from "./transport.ts";

export interface AskOptions {
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** Writes objects of the cluster one after the other, for later ones name earlier ones. @throws HoldfastError with the first that is refused */
export async function putObjects(transport: SearchTransport, objects: readonly ObjectPlan[], options: AskOptions): Promise<void> {
  for (const object of objects) {
    await askAgain(() => put(transport, object), { ...options, subject: `${OBJECT_WRITING[object.kind].label} "${object.name}"` });
    if (object.kind === "enrichPolicies") await execute(transport, object);
  }
}

async function put(transport: SearchTransport, { kind, name, body, action }: ObjectPlan): Promise<void> {
  const path = OBJECT_WRITING[kind].path(name);
  if (kind !== "ismPolicies" || action !== "replace") {
    await transport.json({ method: "PUT", path, body });
    return;
  }
  const { json } = await transport.json({ method: "GET", path });
  const { _seq_no, _primary_term } = json as { _seq_no: number; _primary_term: number };
  await transport.json({ method: "PUT", path, body, query: { if_seq_no: _seq_no, if_primary_term: _primary_term } });
}

/** Builds what its pipelines look things up in. */
async function execute(transport: SearchTransport, { name }: ObjectPlan): Promise<void> {
  await transport.json({ method: "POST", path: pathOf("_enrich", "policy", name, "_execute"), idleTimeoutMs: EXECUTION_MS });
}

const EXECUTION_MS = 3_600_000;
