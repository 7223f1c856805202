// An HTTP proxy in front of a real server of an HTTP API that breaks what it is told to. It sits where a bad network or an overloaded gateway would.
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import { request as httpsRequest } from "node:https";
import type { AddressInfo } from "node:net";
import { Transform, type TransformCallback } from "node:stream";
import { pipeline } from "node:stream/promises";

export type HttpFault =
  /** Answers by itself; the server never hears of the request. */
  | {
      readonly kind: "answer";
      readonly status: number;
      readonly code?: string;
      readonly headers?: Readonly<Record<string, string>>;
      /** An error as S3 gives it when absent. */
      readonly body?: string;
    }
  /** Never answers. */
  | { readonly kind: "hang" }
  /** The server carries out the request, and the connection is cut instead of an answer. */
  | { readonly kind: "lose answer" }
  /** The answer's body is cut after so many bytes. */
  | { readonly kind: "cut answer"; readonly afterBytes: number }
  /** The answer's body stands still after so many bytes. */
  | { readonly kind: "stall answer"; readonly afterBytes: number }
  /** The request's body is cut after so many bytes. */
  | { readonly kind: "cut request"; readonly afterBytes: number }
  /** One bit of the answer's body is turned. */
  | { readonly kind: "flip answer"; readonly atByte: number }
  /** One bit of the request's body is turned. */
  | { readonly kind: "flip request"; readonly atByte: number }
  /** The answer's body is another one, made of the server's. */
  | { readonly kind: "rewrite answer"; rewrite(body: Buffer): Buffer | string }
  /** A header of the answer is changed. */
  | { readonly kind: "header"; readonly name: string; readonly value: string | undefined };

export interface ProxiedRequest {
  readonly method: string;
  readonly url: string;
  /** Counted from 1. */
  readonly nth: number;
}

export interface FaultyHttpProxy extends AsyncDisposable {
  readonly endpoint: string;
  /** "PUT /bucket/key?partNumber=1&uploadId=…", in the order of arrival. */
  readonly requests: readonly string[];
  /** How many requests were broken so far: a test of a fault that never came proves nothing. */
  readonly brokenRequests: number;
  /** Decides for each request whether and how it breaks; default never. */
  break(choose: (request: ProxiedRequest) => HttpFault | undefined): void;
}

export interface FaultyHttpProxyOptions {
  /** PEM text of the authority of a server that speaks TLS; the proxy itself speaks plain HTTP. */
  readonly ca?: string;
}

interface Target extends FaultyHttpProxyOptions {
  readonly port: number;
}

/** Starts a proxy before the loopback port of a real server. */
export async function startFaultyHttpProxy(targetPort: number, options: FaultyHttpProxyOptions = {}): Promise<FaultyHttpProxy> {
  const requests: string[] = [];
  let brokenRequests = 0;
  let choose: (request: ProxiedRequest) => HttpFault | undefined = () => undefined;
  const server = createServer((request, response) => {
    const { method = "", url = "" } = request;
    requests.push(`${method} ${url}`);
    const fault = choose({ method, url, nth: requests.length });
    if (fault !== undefined) brokenRequests++;
    forward({ port: targetPort, ...options }, request, response, fault).catch(() => response.destroy());
  });
  server.on("clientError", (_, socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    get brokenRequests() {
      return brokenRequests;
    },
    break: (chooser) => {
      choose = chooser;
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The fault for the first `times` requests that match. */
export function onFirst(fault: HttpFault, pattern: RegExp, times = 1): (request: ProxiedRequest) => HttpFault | undefined {
  let left = times;
  return ({ method, url }) => (pattern.test(`${method} ${url}`) && left-- > 0 ? fault : undefined);
}

async function forward(target: Target, request: IncomingMessage, response: ServerResponse, fault: HttpFault | undefined): Promise<void> {
  if (fault?.kind === "hang") return;
  if (fault?.kind === "answer") return answer(request, response, fault);
  const send = target.ca === undefined ? httpRequest : httpsRequest;
  const upstream = send({
    host: "127.0.0.1",
    port: target.port,
    ca: target.ca,
    method: request.method,
    path: request.url,
    headers: request.headers,
    agent: false,
  });
  // A client that goes away takes its request along: an answer that comes afterwards would be read by nobody, and its connection never end.
  response.once("close", () => upstream.destroy());
  // The server's answer, or the first failure: an early answer may come before the whole request was sent.
  const answered = new Promise<IncomingMessage>((resolve, reject) => upstream.once("response", resolve).on("error", reject));
  answered.catch(() => undefined);
  const sending = pipeline(request, requestFault(fault), upstream);
  sending.catch(() => upstream.destroy());
  if (fault?.kind === "cut request") {
    await sending.catch(() => undefined);
    request.socket.destroy();
    return;
  }
  const result = await answered;
  if (fault?.kind === "lose answer") {
    result.resume();
    request.socket.destroy();
    return;
  }
  const headers = { ...result.headers };
  if (fault?.kind === "header") headers[fault.name] = fault.value;
  for (const name of Object.keys(headers)) if (headers[name] === undefined) delete headers[name];
  if (fault?.kind === "rewrite answer") {
    const body = Buffer.from(fault.rewrite(Buffer.concat(await result.toArray())));
    delete headers["transfer-encoding"];
    response.writeHead(result.statusCode ?? 502, { ...headers, "content-length": String(body.length) }).end(body);
    return;
  }
  response.writeHead(result.statusCode ?? 502, headers);
  await pipeline(result, answerFault(fault, response), response);
}

async function answer(request: IncomingMessage, response: ServerResponse, fault: HttpFault & { kind: "answer" }): Promise<void> {
  request.resume();
  await new Promise((resolve) => request.once("end", resolve));
  const code = fault.code ?? "InternalError";
  const text = fault.body ?? `<?xml version="1.0"?><Error><Code>${code}</Code><Message>Injected</Message></Error>`;
  const body = request.method === "HEAD" ? "" : text;
  response.writeHead(fault.status, { "content-type": "application/xml", ...fault.headers }).end(body);
}

function requestFault(fault: HttpFault | undefined): Transform {
  if (fault?.kind === "flip request") return new Flip(fault.atByte);
  if (fault?.kind === "cut request") return new Limit(fault.afterBytes, (limit) => limit.destroy(new Error("cut")));
  return new Flip(-1);
}

function answerFault(fault: HttpFault | undefined, response: ServerResponse): Transform {
  if (fault?.kind === "flip answer") return new Flip(fault.atByte);
  if (fault?.kind === "cut answer") return new Limit(fault.afterBytes, () => response.destroy());
  if (fault?.kind === "stall answer") return new Limit(fault.afterBytes, () => undefined);
  return new Flip(-1);
}

/** Turns one bit; none for a position below 0. */
class Flip extends Transform {
  #position = 0;
  readonly #at: number;

  constructor(at: number) {
    super();
    this.#at = at;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    const index = this.#at - this.#position;
    this.#position += chunk.length;
    const isHere = index >= 0 && index < chunk.length;
    const passed = isHere ? Buffer.from(chunk) : chunk;
    if (isHere) passed[index] = (passed[index] as number) ^ 1;
    done(null, passed);
  }
}

/** Passes so many bytes on, then calls back once and passes nothing more. */
class Limit extends Transform {
  #left: number;
  readonly #onLimit: (limit: Limit) => void;

  constructor(bytes: number, onLimit: (limit: Limit) => void) {
    super();
    this.#left = bytes;
    this.#onLimit = onLimit;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    const passed = chunk.subarray(0, this.#left);
    this.#left -= passed.length;
    if (passed.length > 0) this.push(passed);
    if (passed.length === chunk.length) done();
    // Not done: nothing more is taken. What was passed has to leave before the cut.
    else setImmediate(() => this.#onLimit(this));
  }
}
