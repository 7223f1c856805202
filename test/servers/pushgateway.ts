// A real Prometheus Pushgateway on a free loopback port; it keeps what was pushed in memory only.
import { tmpdir } from "node:os";
import { freePort } from "./free-port.ts";
import { ensureProgram } from "./install.ts";
import { spawnServer } from "./spawn-server.ts";

export interface PushedSeries {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Pushgateway extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** What Prometheus would scrape, as text. */
  exposition(): Promise<string>;
  /** The same, parsed; without the gateway's own `go_…`, `process_…`, `pushgateway_…`. */
  series(): Promise<readonly PushedSeries[]>;
}

/** Starts a gateway and waits until it answers. `pathPrefix` ("/metrics-of/us") moves everything it serves below that path. */
export async function startPushgateway(options: { readonly pathPrefix?: string } = {}): Promise<Pushgateway> {
  const program = await ensureProgram("prometheus-pushgateway");
  const port = await freePort();
  const prefix = options.pathPrefix ?? "";
  const url = `http://127.0.0.1:${port}${prefix}`;
  const args = [`--web.listen-address=127.0.0.1:${port}`, "--persistence.file=", "--log.level=debug", `--web.route-prefix=${prefix}`];
  const server = await spawnServer(program, { args, cwd: tmpdir(), isReady: async () => (await fetch(`${url}/-/ready`)).ok });
  const exposition = async () => {
    const answer = await fetch(`${url}/metrics`);
    if (!answer.ok) throw new Error(`the gateway answered ${answer.status}`);
    return answer.text();
  };
  return {
    url,
    port,
    exposition,
    series: async () => parseExposition(await exposition()).filter(({ name }) => !/^(go|process|pushgateway|promhttp)_/.test(name)),
    [Symbol.asyncDispose]: () => server.kill(),
  };
}

/** Parses Prometheus' text format; throws on a line it does not understand. */
export function parseExposition(text: string): PushedSeries[] {
  return text
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => {
      const [, name, labels, value] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
      if (name === undefined) throw new Error(`not a line of the text format: ${line}`);
      return { name, labels: parseLabels(labels ?? ""), value: Number(value) };
    });
}

function parseLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  const pair = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"(?:,|$)/y;
  while (pair.lastIndex < text.length) {
    const at = pair.lastIndex;
    const [, name, value] = pair.exec(text) ?? [];
    if (name === undefined || value === undefined) throw new Error(`not labels: ${text.slice(at)}`);
    labels[name] = value.replace(/\\(.)/g, (_, escaped: string) => (escaped === "n" ? "\n" : escaped));
  }
  return labels;
}
