import { describeError } from "../../runner/errors.ts";
import type { Log } from "../../runner/function.ts";
import { readIndexIdentities } from "./index-identity.ts";
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
  /** UUIDs by name. */
  readonly #opened = new Map<string, string>();

  constructor(transport: SearchTransport, options: OpenClosedOptions) {
    this.#transport = transport;
    this.#options = options;
  }

  async open(indices: readonly { readonly name: string; readonly uuid: string }[]): Promise<void> {
    for (const { name, uuid } of indices) {
      this.#options.log.info("A closed index is opened to be read", { index: name });
      this.#opened.set(name, uuid);
      await this.#transport.json({ method: "POST", path: `${pathOf(name)}/_open`, query: { wait_for_active_shards: 1 } });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#opened.size === 0) return;
    const transport = this.#transport.forCleanUp(CLOSING_MS);
    for (const [name, uuid] of this.#opened) {
      try {
        // Another one of the name, made meanwhile, is somebody's in use.
        if ((await readIndexIdentities(transport, [name])).get(name)?.uuid !== uuid) continue;
        await transport.json({ method: "POST", path: `${pathOf(name)}/_close`, statuses: [404] });
      } catch (error) {
        this.#options.warn("IndexLeftOpen", `Index "${name}" was opened to be read and could not be closed again: ${describeError(error)}`);
      }
    }
  }
}
