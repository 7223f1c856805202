import { describeError } from "../../runner/errors.ts";
import type { Log } from "../../runner/function.ts";
import { pathOf, type SearchTransport } from "./transport.ts";

export interface OpenClosedOptions {
  readonly waitTimeoutMs: number;
  readonly log: Log;
  warn(reason: string, message: string): void;
}

const CLOSING_MS = 15_000;

/** Indices that were opened to be read. Disposing closes them again, also after an abort; what cannot be closed is warned of by name. */
export class OpenedIndices implements AsyncDisposable {
  readonly #transport: SearchTransport;
  readonly #options: OpenClosedOptions;
  readonly #names = new Set<string>();

  constructor(transport: SearchTransport, options: OpenClosedOptions) {
    this.#transport = transport;
    this.#options = options;
  }

  async open(names: readonly string[]): Promise<void> {
    for (const name of names) {
      this.#options.log.info("A closed index is opened to be read", { index: name });
      this.#names.add(name);
      await this.#transport.json({ method: "POST", path: `${pathOf(name)}/_open`, query: { wait_for_active_shards: 1 } });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#names.size === 0) return;
    const transport = this.#transport.forCleanUp(CLOSING_MS);
    for (const name of this.#names) {
      try {
        await transport.json({ method: "POST", path: `${pathOf(name)}/_close`, statuses: [404] });
      } catch (error) {
        this.#options.warn("IndexLeftOpen", `Index "${name}" was opened to be read and could not be closed again: ${describeError(error)}`);
      }
    }
  }
}
