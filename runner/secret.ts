// A secret is a type of its own, so that printing it by mistake prints nothing.
import { inspect } from "node:util";

/** A value that prints, inspects and serialises as "[redacted]"; `reveal` is the only way to it. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return "[redacted]";
  }

  toJSON(): string {
    return "[redacted]";
  }

  [inspect.custom](): string {
    return "[redacted]";
  }
}
