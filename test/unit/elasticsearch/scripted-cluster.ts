// A cluster of a few answers: for versions, flavours and states that no server of the tests has.
import type { SearchTransport } from "../../../functions/elasticsearch/transport.ts";
import { answerJson, openTransport, type ReceivedRequest, startScriptedHttp } from "./scripted-http-server.ts";

export interface Answer {
  readonly status?: number;
  readonly body?: unknown;
}

/** Path without query → its answer, or one answer after another, the last one for ever. */
export type Answers = Readonly<Record<string, Answer | readonly Answer[]>>;

export interface ScriptedCluster extends AsyncDisposable {
  readonly transport: SearchTransport;
  readonly requests: readonly ReceivedRequest[];
}

export const HEALTH = { cluster_name: "demo", status: "green", number_of_data_nodes: 3 };

export async function startScriptedCluster(answers: Answers, options: { readonly signal?: AbortSignal } = {}): Promise<ScriptedCluster> {
  const asked = new Map<string, number>();
  const server = await startScriptedHttp(({ url }, response) => {
    const path = url.split("?")[0] as string;
    const times = asked.get(path) ?? 0;
    asked.set(path, times + 1);
    const all = [answers[path] ?? { status: 404, body: { error: "no such API" } }].flat() as Answer[];
    const { status = 200, body } = all[Math.min(times, all.length - 1)] as Answer;
    answerJson(response, body, status);
  });
  const transport = openTransport(server.port, options);
  return {
    transport,
    requests: server.requests,
    [Symbol.asyncDispose]: async () => {
      await transport[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}
