import { describeError, ParameterError } from "./errors.ts";
import { readGatewayUrl } from "./metrics/gateway-url.ts";

/** The gateway's URL for manifests, as it is; empty when there is none. @throws ParameterError, quoting nothing, when it holds a user or a password */
export function printedGateway(url: string | undefined): string {
  if (url === undefined) return "";
  if (isAnonymous(url)) return url;
  throw new ParameterError("--pushgateway-url holds a user or a password, which everybody who may read the manifests would know", {
    hint: "Leave it out: jobs of our own Functions take PROMETHEUS_PUSHGATEWAY_URL, which runtimeSettings.container.env can take from a Secret",
  });
}

function isAnonymous(url: string): boolean {
  try {
    return readGatewayUrl(url).authorization === undefined;
  } catch (error) {
    throw new ParameterError(`--pushgateway-url: ${describeError(error)}`);
  }
}
