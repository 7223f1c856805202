import type { Checkup } from "./checkup.ts";
import { describeError, ParameterError } from "./errors.ts";
import { type GatewayPlace, readGatewayUrl } from "./metrics/gateway-url.ts";

const TIMEOUT_MS = 10_000;

/** Asks the gateway whether it is ready, and pushes nothing. */
export async function lookAtGateway(checkup: Checkup, url: string, signal: AbortSignal): Promise<void> {
  await checkup.look("Pushgateway", async () => {
    const gateway = readGateway(url);
    const headers: Record<string, string> = gateway.authorization === undefined ? {} : { authorization: gateway.authorization.reveal() };
    try {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
      const answer = await fetch(`${gateway.description}/-/ready`, { headers, redirect: "manual", signal: limit });
      if (!answer.ok) throw new Error(`it answered ${answer.status} ${answer.statusText}`);
      if ((await firstWord(answer)) !== "OK") throw new Error("it answered something else than OK: it is no Pushgateway");
      return { detail: `${gateway.description} is ready`, value: true };
    } catch (cause) {
      signal.throwIfAborted();
      throw failure(`Cannot reach the Pushgateway at ${gateway.description}: ${gateway.redact(describeError(cause))}`);
    }
  });
}

/** Of what may never end. */
async function firstWord(answer: Response): Promise<string | undefined> {
  for await (const bytes of answer.body ?? []) return new TextDecoder().decode(bytes).trim().split(/\s/, 1)[0];
  return undefined;
}

function readGateway(url: string): GatewayPlace {
  try {
    return readGatewayUrl(url);
  } catch (error) {
    throw failure(describeError(error));
  }
}

function failure(message: string): ParameterError {
  return new ParameterError(message, {
    reason: "PushgatewayNotReady",
    hint: "Check --pushgateway-url; a run goes on without its metrics, and warns",
  });
}
