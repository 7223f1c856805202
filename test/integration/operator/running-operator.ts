import { NAMESPACE, OPERATOR } from "../../../deploy/names.ts";
import type { Fields } from "../../../operator/objects.ts";
import type { OperatorParameters } from "../../../operator/parameters.ts";
import { operatorParameters } from "../../../operator/parameters.ts";
import { runOperator } from "../../../operator/run-operator.ts";
import { InterruptedError } from "../../../runner/errors.ts";
import { parseParameters } from "../../../runner/parameters.ts";
import type { Kubernetes } from "../../servers/kubernetes/start-kubernetes.ts";
import { asOperator } from "./as-operator.ts";

export interface LogLine {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly message: string;
  readonly fields: Fields;
}

export interface RunningOperator extends AsyncDisposable {
  readonly log: readonly LogLine[];
  /** Rejects with what ended it before its time. */
  readonly ended: Promise<unknown>;
}

/** The whole operator within this process, as its own account with exactly the roles that we ship; disposing of it waits for its end. */
export async function runOperatorOn(server: Kubernetes, flags: Readonly<Record<string, string>> = {}): Promise<RunningOperator> {
  await asOperator(server);
  const kubeconfig = await server.kubeconfigFor(await server.objects.createToken({ namespace: NAMESPACE, name: OPERATOR }));
  const given = {
    kubeconfig,
    namespace: NAMESPACE,
    image: "registry.example/holdfast:1",
    listen: "127.0.0.1:0",
    "no-lease": "true",
    ...flags,
  };
  const parameters: OperatorParameters = parseParameters(operatorParameters, { flags: given, environment: {} });
  const log: LogLine[] = [];
  const write =
    (level: LogLine["level"]) =>
    (message: string, fields: Fields = {}) =>
      void log.push({ level, message, fields });
  const stop = new AbortController();
  const ended = runOperator(parameters, {
    signal: stop.signal,
    environment: {},
    log: { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") },
  });
  ended.catch(() => undefined);
  return {
    log,
    ended,
    [Symbol.asyncDispose]: async () => {
      stop.abort(new InterruptedError("SIGTERM"));
      await ended;
    },
  };
}
