import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { describeError, ParameterError } from "../../runner/errors.ts";

export interface HealthAnswers {
  /** Why the process should be ended and started anew; `undefined` while it lives. */
  sick(): Promise<string | undefined>;
  /** Why it is not ready yet; `undefined` once it is. */
  unready(): string | undefined;
  metrics(): Promise<{ readonly contentType: string; readonly body: string }>;
}

/** Serves /healthz, /readyz and /metrics until it is disposed of. @throws ParameterError when the address cannot be listened on */
export async function serveHealth(listen: string, answers: HealthAnswers): Promise<AsyncDisposable & { readonly port: number }> {
  const colon = listen.lastIndexOf(":");
  const [host, port] = [listen.slice(0, colon).replace(/^\[|\]$/g, ""), Number(listen.slice(colon + 1))];
  const server = createServer(async (request, response) => {
    const { status, body, contentType = "text/plain" } = await answer(request.url ?? "", answers).catch(failed);
    response.writeHead(status, { "content-type": contentType }).end(body);
  });
  await listenOn(server, { host: host || undefined, port, listen });
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : port,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly contentType?: string;
}

async function answer(url: string, answers: HealthAnswers): Promise<Answer> {
  switch (url.split("?")[0]) {
    case "/healthz":
      return judged(await answers.sick());
    case "/readyz":
      return judged(answers.unready());
    case "/metrics":
      return { status: 200, ...(await answers.metrics()) };
    default:
      return { status: 404, body: "There are /healthz, /readyz and /metrics\n" };
  }
}

function failed(error: unknown): Answer {
  return { status: 500, body: `${describeError(error)}\n` };
}

function judged(trouble: string | undefined): Answer {
  return trouble === undefined ? { status: 200, body: "ok\n" } : { status: 503, body: `${trouble}\n` };
}

async function listenOn(server: Server, { host, port, listen }: { host: string | undefined; port: number; listen: string }): Promise<void> {
  try {
    server.listen({ host, port });
    await once(server, "listening");
  } catch (cause) {
    throw new ParameterError(`Cannot listen on "${listen}"`, { cause, hint: "Name another address with --listen HOST:PORT" });
  }
  // A connection that cannot be taken fails its probe, and need not end the process.
  server.on("error", () => undefined);
}
