import type { GatewayPlace } from "./gateway-url.ts";
import type { PushGroup } from "./push-group.ts";

/** The gateway answered, and not that it took the samples. */
export class PushError extends Error {
  /** The same push would be answered in the same way. */
  readonly isFinal: boolean;

  constructor(message: string, options: { readonly isFinal: boolean }) {
    super(message);
    this.name = new.target.name;
    this.isFinal = options.isFinal;
  }
}

export interface Post {
  readonly job: string;
  readonly group: PushGroup;
  /** In Prometheus' text format. */
  readonly body: string;
  readonly signal: AbortSignal;
}

/**
 * One POST to the gateway; resolves when its answer has arrived whole and says that the samples were taken. Not by the metrics library's own client:
 * that never settles when the answer is cut, takes a redirect for a success, and keeps however much it is sent.
 */
export async function postOnce(gateway: GatewayPlace, { job, group, body, signal }: Post): Promise<void> {
  const path = [["job", job], ...Object.entries(group)].map(([name, value]) => pathSegments(name as string, value as string)).join("");
  const headers: Record<string, string> = { "content-type": "text/plain; version=0.0.4; charset=utf-8" };
  if (gateway.authorization !== undefined) headers.authorization = gateway.authorization.reveal();
  const answer = await fetch(`${gateway.description}/metrics${path}`, { method: "POST", headers, body, redirect: "manual", signal });
  const text = await readAnswer(answer);
  // Before it is cut: half a password would not be found any more.
  const quote = (words: string) => oneLine(gateway.redact(words));
  if (answer.status >= 300 && answer.status < 400) {
    throw new PushError(`it answered ${answer.status} and points elsewhere; give the URL that the gateway itself has`, { isFinal: true });
  }
  if (!answer.ok) {
    const isFinal = answer.status < 500 && answer.status !== 429;
    throw new PushError(`it answered ${answer.status} ${answer.statusText}${text === "" ? "" : `: ${quote(text)}`}`, { isFinal });
  }
  if (text !== "") throw new PushError(`it answered with a text, as no Pushgateway does: ${quote(text)}`, { isFinal: true });
}

/** A value that a path cannot hold (slashes, dots alone, nothing) goes in base64, which the gateway decodes. */
function pathSegments(name: string, value: string): string {
  const needsBase64 = value.includes("/") || /^\.*$/.test(value);
  if (!needsBase64) return `/${encodeURIComponent(name)}/${encodeURIComponent(value)}`;
  return `/${encodeURIComponent(name)}@base64/${Buffer.from(value).toString("base64url") || "="}`;
}

/** The answer's text, as far as anybody will want to read it; rejects when it is cut. */
async function readAnswer(answer: Response): Promise<string> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const bytes of answer.body ?? []) {
    text += decoder.decode(bytes, { stream: true });
    if (text.length > 2000) break;
  }
  return text.trim();
}

function oneLine(text: string): string {
  const line = text.replace(/\s+/g, " ");
  return line.length > 300 ? `${line.slice(0, 300)}…` : line;
}
